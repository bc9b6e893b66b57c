"""Calls against a target: what is stored, however the run ends."""

import json
import signal
import subprocess
import time
from pathlib import Path

from tests.end_to_end.running import agent, ovl, started

LONG = ("generate", "-c", "3", "-d", "10m", "--scenario", "demo")


def wait_for_load(process: subprocess.Popen[str], seconds: float) -> None:
    """Until the load has begun and lasted a while."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("run "):
            time.sleep(seconds)  # of real calls: there is no clock to turn here
            return
    raise AssertionError("".join(said))


def test_a_run_against_an_agent_is_judged_by_what_the_user_promised(tmp_path: Path) -> None:
    with agent(tmp_path) as target:
        words = ("generate", target, "-c", "3", "-d", "10s", "--scenario", "demo", "-f", "json")
        promised = ("--threshold", "turn_latency:p50<60s", "--tag", "tuesday")
        played = ovl(tmp_path, *words, *promised)

    assert played.code in (0, 4), played.err  # 4: too few turns to be sure
    report = json.loads(played.out)
    assert report["run"]["tag"] == "tuesday"
    assert report["turn_latency"]["samples"] >= 5
    assert report["turn_inflection"]["status"] == "cannot_tell"
    assert {c["component"] for c in report["components"]} >= {"stt", "llm", "tts", "network"}
    assert "in-band timing" in played.err
    runs = ovl(tmp_path, "query", "select tag, profile from runs", "-f", "json")
    assert json.loads(runs.out) == [{"tag": "tuesday", "profile": "custom"}]


def test_a_run_that_is_stopped_or_killed_can_be_analysed_and_says_how_it_ended(
    tmp_path: Path,
) -> None:
    """Both at once, to save the time of real calls."""
    stopped_in, killed_in = tmp_path / "stopped", tmp_path / "killed"
    stopped_in.mkdir()
    killed_in.mkdir()
    with (
        agent(tmp_path) as target,
        started(stopped_in, *LONG, target, "-f", "json") as stopped,
        started(killed_in, *LONG, target) as killed,
    ):
        wait_for_load(stopped, 6)
        stopped.send_signal(signal.SIGINT)
        before = time.monotonic()
        out, err = stopped.communicate(timeout=30)
        took_s = time.monotonic() - before
        wait_for_load(killed, 0)
        killed.kill()
        killed.communicate()
        time.sleep(3)  # its children notice and end in order

    assert stopped.returncode == 130, err
    assert took_s < 15
    report = json.loads(out)
    assert report["run"]["stop_reason"] == "user"
    assert report["run"]["shut_down"] is True
    assert report["call_completion"]["outcomes"]["aborted_by_us"] >= 1

    told = ovl(killed_in, "analyze", "-f", "json")
    report = json.loads(told.out)
    assert report["run"]["shut_down"] is False
    assert any("shutdown" in reason for reason in report["run"]["validity_reasons"])
