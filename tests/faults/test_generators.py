"""The generator's own processes: killed, frozen, stalled, short of files, and told to stop at any
moment. Every one ends with a closed ledger, the right exit code and a truthful word on validity."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from otel_voiceload.analysis.validity import FEW_TURNS
from otel_voiceload.runner.stop import find_running, stop_file
from tests.end_to_end.running import ovl, started
from tests.faults.generators import (
    STORE,
    alone,
    assert_ledger_closes,
    echo,
    generating,
)
from tests.faults.rounds import FULL, IS_FULL, KILL_ROUNDS

pytestmark = pytest.mark.skipif(not IS_FULL, reason="real runs: make faults")

SIGNALS = 100 * KILL_ROUNDS // FULL
AT_ONCE = 2
NO_MORE_S, ALL_OVER_S = 1.0, 5.0  # after the word to stop: no call begins, none is held
SLACK_S = 0.5  # two runs at once, and the agent's own thread
FOUND_S = 5.0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_worker_that_is_gone_is_found_and_its_load_is_nobody_elses(
    tmp_path: Path, how: signal.Signals
) -> None:
    with (
        echo() as (port, _),
        generating(tmp_path, port, "-c", "6", "-d", "15s", "--processes", "2") as run,
    ):
        run.wait_for("run 2")
        victim, other = (run.workers(3) + run.workers(3))[:2]
        until_s = time.monotonic() + 20
        while victim.pid == other.pid and time.monotonic() < until_s:
            victim, other = (run.workers(2) * 2)[:2]
        assert victim.pid != other.pid, "both workers hold calls"
        victim.send_signal(how)
        fired_s = time.monotonic()
        found_s = run.wait_for("of 2 lost", 2 * FOUND_S)
        assert found_s - fired_s < FOUND_S
        assert not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE
        most = 0
        for _ in range(20):
            most = max(most, run.held_by(other))
            time.sleep(0.1)
        assert 0 < most <= 4, "three calls are its share; one more may be closing"
        code = run.end()

    report = run.report()
    assert code == 4, "a third of the only level was not offered"
    assert report["run"]["validity"] == "inconclusive"
    assert any("of 2 lost" in why for why in report["run"]["validity_reasons"])
    assert_ledger_closes(report)
    loose = ovl(tmp_path, "query", "-f", "csv", "select count(*) from calls where outcome is null")
    assert int(loose.out.split()[-1]) <= 4, "open calls end at their last sign of life"


def test_a_loop_that_is_blocked_for_200_ms_again_and_again_is_no_measurement(
    tmp_path: Path,
) -> None:
    with echo() as (port, _), generating(tmp_path, port, "-c", "4", "-d", "12s") as run:
        run.wait_for("run 2")
        (worker,) = run.workers(4)
        blocked = 0
        until_s = time.monotonic() + 8
        while time.monotonic() < until_s:
            worker.suspend()
            time.sleep(0.2)
            blocked += worker.status() == psutil.STATUS_STOPPED
            worker.resume()
            time.sleep(0.5)
        code = run.end()

    report = run.report()
    assert blocked >= 8
    assert code == 4
    assert "generator was the limit" in " ".join(report["run"]["validity_reasons"])
    assert report["generator"]["loop_lag_p99_s"] > 0.05
    assert_ledger_closes(report)


def test_too_few_files_are_refused_with_the_number_and_nobody_is_called(tmp_path: Path) -> None:
    with echo() as (port, agent):
        words = ("-c", "400", "--max-calls", "400", "--processes", "1")
        limited = f"ulimit -n 300; exec {sys.executable} -m otel_voiceload generate"
        with generating(tmp_path, port, *words, "--dry-run") as dry:
            assert dry.end() == 0, "this machine itself has enough"
        told = ovl_in_shell(tmp_path, f"{limited} ws://127.0.0.1:{port} {' '.join(words)}")

    assert told[0] == 3
    assert "needs 600 open files per process and the limit is 300" in told[1]
    assert agent.started == [], "no call was begun"


def ovl_in_shell(folder: Path, line: str) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit")
def test_files_that_run_out_on_the_way_are_our_fault_and_not_the_targets(tmp_path: Path) -> None:
    with echo() as (port, _), generating(tmp_path, port, "-s", "4s:4", "-s", "hold:10s:30") as run:
        run.wait_for("run 2")
        (worker,) = run.workers(4)
        held = worker.num_fds()
        resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (held, held))
        code = run.end()

    report = run.report()
    ended = ovl(tmp_path, "query", "-f", "json", "select outcome, error_type from calls").out
    calls = Counter((call["outcome"], call["error_type"]) for call in json.loads(ended))
    assert calls["aborted_by_us", "local_resources"] > 10, "the limit was met"
    assert {outcome for outcome, _ in calls} == {"completed", "aborted_by_us"}
    reasons = " ".join(report["run"]["validity_reasons"])
    assert report["run"]["validity"] != "valid"
    assert "failed on this machine's side: the load was less than asked for" in reasons
    assert "the generator was the limit in" in reasons, "thirty were asked for, and never held"
    (level,) = [each for each in report["levels"] if each["calls_asked"] == 30]
    assert level["excluded_why"] == "the generator was the limit"
    # The few calls of the first stage may be enough to be judged by, on a slow machine.
    assert (code == 4) == (report["run"]["validity"] == "inconclusive")
    assert_ledger_closes(report)


def stop_at(folder: Path, number: int) -> str:
    """One run, told to stop at a moment that the seed chooses; what it was and how it ended."""
    chance = random.Random(number)
    how = chance.choice(["int", "term", "two", "file"])
    in_load = chance.random() < 0.7
    after_s = chance.uniform(0.3, 6.0)
    folder.mkdir()
    with echo() as (port, agent), generating(folder, port, "-c", "4", "-d", "5m") as run:
        if in_load:
            run.wait_for("run 2")
        threading.Event().wait(after_s)  # the moment itself, not a wait for something
        assert run.process.poll() is None, "it must be running to be told"
        if how == "file":
            until_s = time.monotonic() + 30
            while not (running := find_running(folder / STORE)) and time.monotonic() < until_s:
                time.sleep(0.05)
            (told,) = running
            with started(folder, "stop", "--wait", "60s") as stopping:
                file = stop_file(folder / STORE, told.run_id)
                while not file.exists() and stopping.poll() is None:
                    time.sleep(0.01)
                told_s = time.monotonic()
                _, words = stopping.communicate(timeout=90)
            assert stopping.returncode == 0, words
        else:
            told_s = time.monotonic()
            run.process.send_signal(signal.SIGTERM if how == "term" else signal.SIGINT)
            if how == "two":
                time.sleep(chance.uniform(0.3, 1.0))
                run.process.send_signal(signal.SIGINT)
        code = run.end()
        took_s = time.monotonic() - told_s
        said = "".join(line for _, line in run.said)
        until_s = time.monotonic() + 5
        while len(agent.over_s) < len(agent.begun_s) and time.monotonic() < until_s:
            time.sleep(0.05)
        assert len(agent.over_s) == len(agent.begun_s), "a call is still held"
        late_s = max((at_s - told_s for at_s in agent.begun_s), default=0.0)
        over_s = max((at_s - told_s for at_s in agent.over_s), default=0.0)

    assert late_s < NO_MORE_S + SLACK_S, (how, after_s, late_s)
    assert over_s < ALL_OVER_S + SLACK_S, (how, after_s, over_s)
    codes = (143 if how == "term" else 130,)
    if not said:  # nothing was started that would have to be put away: python leaves by itself
        codes += (-signal.SIGTERM, -signal.SIGINT)
    assert code in codes, (how, after_s, code, said)
    assert "Traceback" not in said, said
    assert took_s < 30, (how, after_s, took_s)
    assert find_running(folder / STORE) == ()
    begun = any(line.startswith("run ") for _, line in run.said)
    if begun and how != "two":  # a second Ctrl-C leaves without a report
        assert run.out, (how, after_s, said)
    if begun and run.out:
        report = run.report()
        validity, reasons = report["run"]["validity"], report["run"]["validity_reasons"]
        assert (validity == "valid") <= (report["turn_latency"]["samples"] >= FEW_TURNS)
        if report["turn_latency"]["samples"] < FEW_TURNS // 2:  # some more had no answer
            assert any("recorded" in reason for reason in reasons), (how, after_s, reasons)
        assert report["run"]["shut_down"] is True
        assert report["run"]["stop_reason"] == ("kill" if how == "file" else "user")
        assert_ledger_closes(report)
    time.sleep(1.0)  # children that watch for their parent
    assert alone(folder / STORE) == []
    return f"{how} {'in the load' if begun else 'before it'}"


@pytest.mark.usefixtures("interrupts_heard")
def test_told_to_stop_at_any_moment_it_leaves_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / str(number) for number in range(SIGNALS)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        tally = Counter(threads.map(stop_at, folders, range(SIGNALS)))
    with capsys.disabled():
        print(f"\n{SIGNALS} stops: {dict(sorted(tally.items()))}")
    assert {"int in the load", "term in the load", "file in the load"} <= set(tally)
