from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from otel_voiceload.runner.stop import RunControl, Running
from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]
ONE = Running("run-one", 11, 1_000, "ws://127.0.0.1:1", "tuesday")
TWO = Running("run-two", 12, 2_000, "ws://127.0.0.1:2")


class Obedient:
    """A run that ends as soon as it is asked to."""

    def __init__(self, store: Path, running: Running) -> None:
        self._control = RunControl(store, running)
        self._thread = threading.Thread(target=self._run)
        self._up, self._give_up = threading.Event(), threading.Event()

    def _run(self) -> None:
        with self._control:
            self._up.set()
            while not self._control.asked() and not self._give_up.wait(0.01):
                pass

    def __enter__(self) -> Obedient:
        self._thread.start()
        assert self._up.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up.set()
        self._thread.join()


def test_the_only_run_is_stopped_and_waited_for(tmp_path: Path, capsys: Capture) -> None:
    with Obedient(tmp_path, ONE):
        ended = ovl(capsys, tmp_path, "stop")

    assert (ended.code, ended.out) == (0, "run-one has stopped\n")
    assert ended.err.startswith("stopping run-one (tuesday) to ws://127.0.0.1:1 for ")
    assert ended.err.endswith("where it was started its report is made now\n")


def test_one_of_several_is_stopped_by_name_and_all_with_all(
    tmp_path: Path, capsys: Capture
) -> None:
    with Obedient(tmp_path, ONE), Obedient(tmp_path, TWO):
        unclear = ovl(capsys, tmp_path, "stop")
        assert unclear.code == 2
        assert "2 runs are going on: run-one" in unclear.err

        named = ovl(capsys, tmp_path, "stop", "tuesday", "-q")
        assert (named.code, named.out, named.err) == (0, "run-one has stopped\n", "")

        rest = ovl(capsys, tmp_path, "stop", "--all", "-f", "json")
        assert json.loads(rest.out) == [{"run_id": "run-two", "stopped": True}]


def test_without_a_run_there_is_nothing_to_stop(tmp_path: Path, capsys: Capture) -> None:
    for words in ((), ("--all",), ("run-one",)):
        ended = ovl(capsys, tmp_path, "stop", *words)
        assert ended.code == 2
        assert "no run of the store" in ended.err


def test_a_run_that_does_not_obey_is_named_with_its_process(
    tmp_path: Path, capsys: Capture
) -> None:
    with RunControl(tmp_path, ONE):
        told = ovl(capsys, tmp_path, "stop", "--wait", "0s")
        waited = ovl(capsys, tmp_path, "stop", "--wait", "100ms")

    assert (told.code, told.out) == (0, "run-one was told to stop\n")
    assert waited.code == 1
    assert "not over after 100ms: run-one; kill 11 ends it" in waited.err
