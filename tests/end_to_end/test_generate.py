"""Calls against a target: what is stored, however the run ends.

Nothing here waits for a length of time, only for what has to happen: a busy machine takes longer.
"""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import yaml

from otel_voiceload.store.open import open_store
from tests.end_to_end.running import Done, agent, ovl_here, started
from tests.faults.generators import SHORT, STORE, Generator

HELD = ("-c", "3", "-d", "10m", "-f", "json")
AGENT = "greeting: false\nreply: {median: 400ms, p95: 500ms}\n"
TOLD = """
select count(*) as turns, count(distinct call_id) as calls, list(distinct outcome) as outcomes
from turns
"""
PATIENCE_S = 120.0
Capture = pytest.CaptureFixture[str]


@dataclass(frozen=True)
class Played:
    """Three runs against one agent, the folders that they left, and what is left of the third."""

    whole: Done
    whole_in: Path
    stopped: Done
    stopped_in: Path
    killed_in: Path
    alive: list[psutil.Process]


def wait_for_load(run: Generator, folder: Path) -> None:
    """Until three calls are held and the first of them is stored."""
    run.wait_for("run 2")
    run.workers(3)
    begun = "select count(*) from otel_spans where name = 'call.start' and run_id is not null"
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        with open_store(folder / STORE) as reading:
            if reading.sql(begun).rows[0][0]:
                return
        time.sleep(0.2)
    raise AssertionError("no call was stored")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """All three at once, to save the time of real calls."""
    whole_in, stopped_in, killed_in = (tmp_path_factory.mktemp(name) for name in "wsk")
    (whole_in / "agent.yaml").write_text(AGENT)
    (whole_in / "short.yaml").write_text(
        yaml.safe_dump(SHORT | {"patience": "60s"}, sort_keys=False)
    )
    promised = ("--threshold", "turn_latency:p50<60s", "--tag", "tuesday")
    short = ("--scenario", "short.yaml", "--total-calls", "3")
    long = ("--scenario", "demo")
    with (
        agent(whole_in, "--config", "agent.yaml") as target,
        started(whole_in, "generate", target, *HELD, *short, *promised) as whole,
        started(stopped_in, "generate", target, *HELD, *long) as to_stop,
        started(killed_in, "generate", target, *HELD, *long) as to_kill,
    ):
        port = int(target.rpartition(":")[2])
        stopped, killed = Generator(to_stop, port), Generator(to_kill, port)
        wait_for_load(stopped, stopped_in)
        to_stop.send_signal(signal.SIGINT)
        wait_for_load(killed, killed_in)
        family = killed.children()
        to_kill.kill()
        _, alive = psutil.wait_procs(family, PATIENCE_S)
        code = stopped.end(PATIENCE_S)
        out, err = whole.communicate(timeout=PATIENCE_S)
    return Played(
        whole=Done(whole.returncode, out, err),
        whole_in=whole_in,
        stopped=Done(code, "".join(stopped.out), "".join(line for _, line in stopped.said)),
        stopped_in=stopped_in,
        killed_in=killed_in,
        alive=alive,
    )


def test_a_run_against_an_agent_is_judged_by_what_the_user_promised(
    played: Played, capsys: Capture
) -> None:
    whole = played.whole
    assert whole.code in (0, 4), whole.err  # 4: too few turns to be sure
    report = json.loads(whole.out)
    assert report["run"]["tag"] == "tuesday"
    assert report["turn_inflection"]["status"] == "cannot_tell"
    assert {c["component"] for c in report["components"]} >= {"stt", "llm", "tts", "network"}
    assert "in-band timing" in whole.err
    runs = ovl_here(played.whole_in, capsys, "query", "select tag, profile from runs", "-f", "json")
    assert json.loads(runs.out) == [{"tag": "tuesday", "profile": "custom"}]
    # The report leaves out the seconds in which this machine was too busy; the store has them all.
    told = ovl_here(played.whole_in, capsys, "query", TOLD, "-f", "json")
    assert json.loads(told.out) == [{"turns": 6, "calls": 3, "outcomes": ["answered"]}]


def test_a_run_that_is_stopped_leaves_before_its_end_and_says_so(
    played: Played, capsys: Capture
) -> None:
    assert played.stopped.code == 130, played.stopped.err
    report = json.loads(played.stopped.out)
    assert report["run"]["stop_reason"] == "user"
    assert report["run"]["shut_down"] is True
    calls = ovl_here(played.stopped_in, capsys, "query", "select outcome from calls", "-f", "json")
    assert {"outcome": "aborted_by_us"} in json.loads(calls.out)


def test_a_run_that_was_killed_can_be_analysed_and_says_how_it_ended(
    played: Played, capsys: Capture
) -> None:
    assert played.alive == [], "its children notice, and end in order"
    told = ovl_here(played.killed_in, capsys, "analyze", "-f", "json")
    report = json.loads(told.out)
    assert report["run"]["shut_down"] is False
    assert any("shutdown" in reason for reason in report["run"]["validity_reasons"])
