"""Faults of what is around a run, over a whole `ovl generate`: what it says of itself at its end.

What telemetry does with them piece by piece is in test_outages.py and test_clocks.py.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.end_to_end.running import ovl
from tests.faults.generators import STORE, assert_ledger_closes, echo, generating
from tests.faults.rounds import IS_FULL
from tests.faults.small_disk import SmallDisk
from tests.faults.test_outages import again, kill, start

pytestmark = pytest.mark.skipif(not IS_FULL, reason="real runs: make faults")

AWAY_S = 4.0
LOAD = ("-c", "4", "-d", "16s")
HOUR_S = 3600
# Python loads it by itself when it starts; every process of a run is one of Python.
CLOCK = f"""
import os, time
_real_ns, _set = time.time_ns, os.path.join(os.path.dirname(__file__), "set")
def time_ns():
    if not os.path.exists(_set):
        return _real_ns()
    open(os.path.join(os.path.dirname(__file__), f"asked-{{os.getpid()}}"), "a").close()
    return _real_ns() + {HOUR_S} * 10**9
time.time_ns, time.time = time_ns, lambda: time_ns() / 1e9
"""


def assert_truthful(report: dict[str, object], code: int) -> None:
    """Nothing was lost, the ledger says so, and the word on validity does not claim otherwise."""
    run, generator = report["run"], report["generator"]
    assert isinstance(run, dict)
    assert isinstance(generator, dict)
    assert generator["spans_lost"] == {}
    assert_ledger_closes(report)
    said = " ".join(run["validity_reasons"])
    assert "spans were lost" not in said
    assert "ledger does not close" not in said
    assert (run["validity"] == "inconclusive") is (code == 4), said


def test_a_run_whose_collector_is_killed_and_restarted_tells_all_of_itself(tmp_path: Path) -> None:
    with (
        echo() as (port, _),
        start(tmp_path / STORE) as served,
        generating(tmp_path, port, *LOAD, collector=served.http) as run,
    ):
        run.wait_for("run 2")
        run.workers(4)
        kill(served)
        time.sleep(AWAY_S)  # the outage itself
        with again(served) as restarted:
            code = run.end()
            assert restarted.stop()[0] == 0

    report = run.report()
    assert_truthful(report, code)
    assert report["run"]["shut_down"] is True


def test_a_run_whose_spool_has_no_room_tells_all_of_itself(tmp_path: Path) -> None:
    """The collector is away and the disk of the spool is full, at the same time."""
    try:
        disk = SmallDisk(tmp_path / "disk", "2m")
    except OSError as error:
        pytest.skip(str(error))
    elsewhere = tmp_path / "elsewhere"
    words = (*LOAD, "--store", str(disk.path / STORE))
    with (
        disk,
        echo() as (port, _),
        start(elsewhere) as served,
        generating(tmp_path, port, *words, collector=served.http) as run,
    ):
        run.wait_for("run 2")
        run.workers(4)
        disk.fill()
        kill(served)
        run.wait_for("No space left", 10.0)
        with again(served) as restarted:
            run.end()
            disk.free()
            assert restarted.stop()[0] == 0

    told = ovl(tmp_path, "analyze", "--store", str(elsewhere), "-f", "json")
    assert_truthful(json.loads(told.out), told.code)


def test_a_run_whose_wall_clock_is_set_by_an_hour_tells_all_of_itself(tmp_path: Path) -> None:
    skewed = tmp_path / "skewed"
    skewed.mkdir()
    (skewed / "sitecustomize.py").write_text(CLOCK)
    with (
        echo() as (port, _),
        generating(tmp_path, port, *LOAD, before=(skewed,)) as run,
    ):
        run.wait_for("run 2")
        run.workers(4)
        (skewed / "set").touch()
        code = run.end()

    assert list(skewed.glob("asked-*")), "nobody saw the clock that was set"
    report = run.report()
    assert_truthful(report, code)
    asked = "select max(epoch(ended) - epoch(started)) as longest from calls"
    (row,) = json.loads(ovl(tmp_path, "query", "-f", "json", asked).out)
    assert row["longest"] < 60, "a call of two seconds"
