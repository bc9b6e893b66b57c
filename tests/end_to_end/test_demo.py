"""The main job: a limit planted in a real agent is found by real calls."""

import json
import re
from pathlib import Path

import pytest

from tests.end_to_end.running import ovl, ovl_here


@pytest.mark.live
def test_the_demo_finds_the_component_that_it_planted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = ovl(tmp_path, "demo", "-f", "json", timeout_s=180)
    if played.code == 4:  # this machine could not hold the load: that proves nothing either way
        played = ovl(tmp_path, "demo", "-f", "json", "--seed", "2", timeout_s=180)

    assert played.code == 0, played.err
    report = json.loads(played.out)
    first = report["first_inflection"]
    assert first["component"] == "llm"
    assert first["concurrency"] == pytest.approx(48, rel=0.2)
    assert first["ci"][0] <= first["concurrency"] <= first["ci"][1]
    generator = report["generator"]
    assert generator["spans_lost"] == {}
    assert generator["spans_stored"] == generator["spans_ended"] > 1000

    page = (tmp_path / "ovl-report.html").read_text()
    assert "llm" in page
    assert not re.search(r"(src|href)=[\"']https?://", page), "the page asks the network"

    again = ovl_here(tmp_path, capsys, "analyze", "latest", "-f", "json")
    found = json.loads(again.out)["first_inflection"]
    # Sums come together in another order each time: the last digit may differ.
    for figure in ("concurrency", "ci"):
        assert found.pop(figure) == pytest.approx(first.pop(figure), rel=1e-9)
    assert found == first
