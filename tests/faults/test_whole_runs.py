"""Faults of what is around a run, over a whole `ovl generate`: what it says of itself at its end.

Others at work on the same store are no fault, and nothing may come of them. What telemetry does
with faults piece by piece is in test_outages.py and test_clocks.py.
"""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.collector.processes import FREE
from tests.end_to_end.running import ovl, started
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


def recordings(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / STORE / "recordings").iterdir())


def assert_both_runs_are_whole(folder: Path, reports: list[dict[str, Any]]) -> None:
    """From the store, once nobody writes there: every span of each run, and of no other."""
    asked = "select run_id, count(*) as spans from otel_spans where service_name = 'ovl-caller' \
        group by all"
    rows = json.loads(ovl(folder, "query", "-f", "json", asked).out)
    spans = {row["run_id"]: row["spans"] for row in rows}
    told = {each["run"]["id"]: each["generator"]["spans_stored"] for each in reports}
    assert spans == told
    assert len(told) == len(reports)


def test_runs_beside_a_collector_on_one_store_use_it_or_their_own(tmp_path: Path) -> None:
    with echo() as (port, _), started(tmp_path, "collect", *FREE) as collecting:
        assert collecting.stdout is not None
        assert any("http/protobuf" in line for line in collecting.stdout), "it did not start"
        with (
            generating(tmp_path, port, *LOAD, collector=None) as using_it,
            generating(tmp_path, port, *LOAD, collector="embedded") as with_its_own,
        ):
            runs = (using_it, with_its_own)
            for run in runs:
                run.wait_for("run 2")
                run.workers()
            assert len(recordings(tmp_path)) == 2
            codes = [run.end() for run in runs]
        assert collecting.poll() is None, "the collector went with a run"
        collecting.send_signal(signal.SIGINT)
        _, said = collecting.communicate(timeout=60)

    assert collecting.returncode == 0
    reports = [run.report() for run in runs]
    for report, code in zip(reports, codes, strict=True):
        assert_truthful(report, code)
    assert_both_runs_are_whole(tmp_path, reports)
    stored = int(said.split("ended in order: ")[1].split(" spans")[0].replace(",", ""))
    assert stored == reports[0]["generator"]["spans_stored"]


def test_two_runs_at_once_on_one_store_need_nothing_of_each_other(tmp_path: Path) -> None:
    """As two CI jobs with one folder. The first is stopped in the middle of the second."""
    with (
        echo() as (port, _),
        generating(tmp_path, port, "-c", "4", "-d", "120s", collector=None) as first,
    ):
        first.wait_for("run 2")
        first.workers()
        with generating(tmp_path, port, "-c", "4", "-d", "40s", collector=None) as second:
            second.wait_for("run 2")
            second.workers()
            first.process.send_signal(signal.SIGINT)
            assert first.end() == 130
            assert second.process.poll() is None, "the first was to end in the second"
            code = second.end()

    reports = [first.report(), second.report()]
    assert_ledger_closes(reports[0])
    assert_truthful(reports[1], code)
    assert len(recordings(tmp_path)) == 2
    assert_both_runs_are_whole(tmp_path, reports)
