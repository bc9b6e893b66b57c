"""Calls against a target: what is stored, however the run ends."""

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.running import Done, agent, ovl, started

HELD = ("-c", "3", "--scenario", "demo")


@dataclass(frozen=True)
class Played:
    """Three runs against one agent, and the folders that they left."""

    whole: Done
    whole_in: Path
    stopped: Done
    stopping_took_s: float
    killed_in: Path


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


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """All three at once, to save the time of real calls."""
    whole_in, stopped_in, killed_in = (tmp_path_factory.mktemp(name) for name in "wsk")
    promised = ("--threshold", "turn_latency:p50<60s", "--tag", "tuesday")
    with (
        agent(whole_in) as target,
        started(whole_in, "generate", target, *HELD, "-d", "10s", "-f", "json", *promised) as whole,
        started(stopped_in, "generate", target, *HELD, "-d", "10m", "-f", "json") as stopped,
        started(killed_in, "generate", target, *HELD, "-d", "10m") as killed,
    ):
        wait_for_load(stopped, 6)
        stopped.send_signal(signal.SIGINT)
        before = time.monotonic()
        stopped_out, stopped_err = stopped.communicate(timeout=30)
        took_s = time.monotonic() - before
        wait_for_load(killed, 3)  # else it may be gone before its first call was recorded
        killed.kill()
        killed.communicate()
        out, err = whole.communicate(timeout=60)
        time.sleep(3)  # the killed one's children notice and end in order
    return Played(
        whole=Done(whole.returncode, out, err),
        whole_in=whole_in,
        stopped=Done(stopped.returncode, stopped_out, stopped_err),
        stopping_took_s=took_s,
        killed_in=killed_in,
    )


def test_a_run_against_an_agent_is_judged_by_what_the_user_promised(played: Played) -> None:
    whole = played.whole
    assert whole.code in (0, 4), whole.err  # 4: too few turns to be sure
    report = json.loads(whole.out)
    assert report["run"]["tag"] == "tuesday"
    assert report["turn_latency"]["samples"] >= 3  # three calls of ten seconds give 4 to 9
    assert report["turn_inflection"]["status"] == "cannot_tell"
    assert {c["component"] for c in report["components"]} >= {"stt", "llm", "tts", "network"}
    assert "in-band timing" in whole.err
    runs = ovl(played.whole_in, "query", "select tag, profile from runs", "-f", "json")
    assert json.loads(runs.out) == [{"tag": "tuesday", "profile": "custom"}]


def test_a_run_that_is_stopped_says_so_and_leaves_at_once(played: Played) -> None:
    assert played.stopped.code == 130, played.stopped.err
    assert played.stopping_took_s < 15
    report = json.loads(played.stopped.out)
    assert report["run"]["stop_reason"] == "user"
    assert report["run"]["shut_down"] is True
    assert report["call_completion"]["outcomes"]["aborted_by_us"] >= 1


def test_a_run_that_was_killed_can_be_analysed_and_says_how_it_ended(played: Played) -> None:
    told = ovl(played.killed_in, "analyze", "-f", "json")
    report = json.loads(told.out)
    assert report["run"]["shut_down"] is False
    assert any("shutdown" in reason for reason in report["run"]["validity_reasons"])
