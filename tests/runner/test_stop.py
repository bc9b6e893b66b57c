"""Finding runs and telling them to stop, with files and signals and no run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from otel_voiceload.errors import ExitCode, Interrupted, Terminated, UsageError
from otel_voiceload.runner.stop import (
    RunControl,
    Running,
    StopRequests,
    ask,
    choose,
    find_running,
    heeding,
    stop_file,
    terminable,
    wait_over,
)
from otel_voiceload.store.locate import find_recordings

ONE = Running("20260101-one", 11, 1_000, "ws://127.0.0.1:1", "tuesday")
TWO = Running("20260102-two", 12, 2_000, "ws://127.0.0.1:2")
HELD_ELSEWHERE = """
import sys
from pathlib import Path
from otel_voiceload.runner.stop import RunControl, Running
with RunControl(Path(sys.argv[1]), Running("run-x", 5, 1, "ws://x")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_is_found_while_it_lives_and_leaves_nothing(tmp_path: Path) -> None:
    with RunControl(tmp_path, ONE), RunControl(tmp_path, TWO):
        assert find_running(tmp_path) == (ONE, TWO)

    assert find_running(tmp_path) == ()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_was_killed_is_not_taken_for_a_living_one(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HELD_ELSEWHERE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    stop_file(tmp_path, "run-x").touch()
    assert [each.run_id for each in find_running(tmp_path)] == ["run-x"]

    process.kill()
    process.communicate()

    assert (tmp_path / "runs" / "run-x.json").exists()
    assert find_running(tmp_path) == ()
    assert list((tmp_path / "runs").iterdir()) == [], "what it left is tidied away"


def test_a_store_without_runs_has_none_going_on(tmp_path: Path) -> None:
    assert find_running(tmp_path / "nowhere") == ()


def test_a_run_whose_spans_go_elsewhere_leaves_a_store_that_a_collector_takes(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    with RunControl(store, ONE):
        assert find_recordings(store) == ()
    assert (store / ".gitignore").read_text() == "*\n"


def test_a_load_that_nobody_could_stop_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(UsageError, match="--store"), RunControl(tmp_path / "store", ONE):
        raise AssertionError("it began")


def test_the_stop_file_asks_and_goes_with_the_run(tmp_path: Path) -> None:
    with RunControl(tmp_path, ONE) as control:
        assert not control.asked()
        ask(tmp_path, ONE)
        assert control.asked()
        assert control.stop_file == tmp_path / "runs" / "20260101-one.stop"
    assert not control.stop_file.exists()


def test_a_stop_file_that_can_not_be_made_names_the_other_way(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kill -TERM 11"):
        ask(tmp_path / "gone", ONE)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("20260101-one", ONE),
        ("tuesday", ONE),
        ("20260102", TWO),
        ("latest", TWO),
    ],
)
def test_a_run_is_named_by_id_beginning_tag_or_latest(wanted: str, meant: Running) -> None:
    assert choose((ONE, TWO), wanted, Path("store")) == (meant,)


def test_the_only_run_needs_no_name() -> None:
    assert choose((ONE,), None, Path("store")) == (ONE,)


@pytest.mark.parametrize(
    ("running", "wanted", "said"),
    [
        ((), None, "no run of the store store is going on"),
        ((ONE, TWO), None, r"2 runs are going on: 20260101-one \(tuesday\) .*--all"),
        ((ONE, TWO), "2026", "several of the runs are '2026'"),
        ((ONE,), "monday", "no run that is going on is 'monday'; going on: 20260101-one"),
    ],
)
def test_what_is_not_clear_is_listed(
    running: tuple[Running, ...], wanted: str | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        choose(running, wanted, Path("store"))


def test_the_end_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now == pytest.approx(1):
            second.__exit__(None, None, None)

    second = RunControl(tmp_path, TWO).__enter__()
    with RunControl(tmp_path, ONE):
        assert wait_over(tmp_path, (ONE, TWO), 5.0, lambda: now, sleep) == (ONE,)
    assert now == pytest.approx(5.0, abs=0.2)
    assert wait_over(tmp_path, (ONE, TWO), 5.0, lambda: now, sleep) == ()


@pytest.mark.parametrize(
    ("number", "code", "error"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED, Interrupted),
        (signal.SIGTERM, ExitCode.TERMINATED, Terminated),
    ],
)
def test_a_signal_is_noted_with_its_code_and_the_handlers_are_given_back(
    number: int, code: ExitCode, error: type[Interrupted]
) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with heeding(lambda: False) as requests:
        assert (requests.look(), requests.exit_code) == (False, None)
        signal.raise_signal(number)
        assert (requests.look(), requests.count) == (True, 1)
    assert (requests.stop_reason, requests.exit_code) == ("user", code)
    assert type(requests.error("why")) is error
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_kill_switch_counts_once_and_a_signal_after_it_is_a_second_word() -> None:
    requests = StopRequests(lambda: True)
    assert [requests.look(), requests.look(), requests.count] == [True, True, 1]
    assert (requests.stop_reason, requests.exit_code) == ("kill", ExitCode.INTERRUPTED)

    requests.take(signal.SIGINT, None)
    assert (requests.count, requests.stop_reason) == (2, "kill")


def test_sigterm_unwinds_what_was_begun() -> None:
    undone: list[str] = []

    def begin() -> None:
        with terminable(), ExitStack() as begun:
            begun.callback(undone.append, "children")
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Terminated):
        begin()
    assert undone == ["children"]


def test_what_a_run_says_of_itself_is_json_for_others(tmp_path: Path) -> None:
    with RunControl(tmp_path, ONE):
        told = json.loads((tmp_path / "runs" / f"{ONE.run_id}.json").read_bytes())
    assert told == {
        "run_id": "20260101-one",
        "pid": 11,
        "started_unix_ns": 1_000,
        "target": "ws://127.0.0.1:1",
        "tag": "tuesday",
    }
