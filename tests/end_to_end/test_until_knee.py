"""``--until-knee`` over a whole simulated run: analysed after each level, so only when asked."""

import json
import os
from pathlib import Path

import pytest

from tests.end_to_end.running import ovl

# So different from answer to answer that one climb can not tell load from time.
AGENT = """
greeting: false
reply: {median: 800ms, p95: 1200ms}
components:
  stt: {latency: {median: 60ms, p95: 90ms}, capacity: 200}
  llm: {latency: {median: 500ms, p95: 2s}, capacity: 10}
  tts: {latency: {median: 60ms, p95: 90ms}, capacity: 200}
"""


@pytest.mark.skipif("PHASES" not in os.environ, reason="takes half a minute: make phases")
def test_a_level_that_was_too_many_sends_the_search_back_and_the_knee_is_found(
    tmp_path: Path,
) -> None:
    (tmp_path / "agent.yaml").write_text(AGENT)
    words = ("generate", "sim:agent.yaml", "-p", "ramp", "-c", "160", "--until-knee")
    played = ovl(
        *(tmp_path, *words, "--scenario", "demo", "--pace", "0.001", "-f", "json"), timeout_s=600.0
    )
    assert played.code == 0, played.err
    report = json.loads(played.out)
    asked = [level["calls_asked"] for level in report["levels"]]
    assert "80 calls seem too many: back to 40 until the backlog is gone" in played.err
    assert max(asked) == 80, "it did not go on upwards"
    assert report["run"]["stop_reason"] == "target_reached"
    assert report["first_inflection"]["component"] == "llm"
    low, high = report["first_inflection"]["ci"]
    assert 40 <= report["first_inflection"]["concurrency"] <= 80
    assert high - low <= 0.35 * report["first_inflection"]["concurrency"]
