from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import pytest

from otel_voiceload.profiles import Measured
from otel_voiceload.reports.report import Report
from otel_voiceload.runner import measure as measuring
from otel_voiceload.runner.measure import Child, earlier_ceiling, measured_of, starter, words
from tests.made_once import once
from tests.reports.samples import PLANTED, QUIET, demo_report, demo_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "demo-store", demo_store)


def test_a_childs_measurement_is_what_the_report_says(store: Path) -> None:
    child = Child(store, PLANTED)
    try:
        while (measured := child.poll()) is None:
            time.sleep(0.05)
    finally:
        child.close()
    assert (measured.status, measured.component) == ("found", "llm")
    assert measured.knee is not None
    assert measured.ceiling is not None
    assert 12 <= measured.ceiling <= measured.knee <= 30
    assert measured.top is not None
    assert measured.top.calls == 48
    assert (measured.top.p95_ratio or 0) > 1.5


def test_a_run_that_can_not_be_read_is_unknown_and_why(store: Path) -> None:
    child = Child(store, "nobody")
    try:
        while (measured := child.poll()) is None:
            time.sleep(0.05)
    finally:
        child.close()
    assert measured.status == "unknown"
    assert "nobody" in measured.why


def test_a_measurement_has_its_time(store: Path) -> None:
    now = [0.0]
    child = Child(store, PLANTED, clock=lambda: now[0])
    child.close()
    child = Child(store, PLANTED, clock=lambda: now[0])
    now[0] = measuring.TIMEOUT_S + 1
    try:
        measured = child.poll()
    finally:
        child.close()
    assert measured is not None
    assert "took longer" in measured.why


def test_where_nothing_is_stored_nothing_is_measured() -> None:
    measured = starter(None, "x")().poll()
    assert measured is not None
    assert measured.why == "the run is stored elsewhere"


def test_the_ceiling_is_the_lowest_end_of_what_limits() -> None:
    report = demo_report()
    report["inflection"]["status"] = "found"
    report["inflection"]["candidates"][0]["ci"] = (30.0, 40.0)
    report["ceiling"]["slo"] = {"calls": 28.0, "ci": (24.0, 48.0), "limited_by": "p95"}
    report["ceiling"]["degradation"] = {"calls": None, "ci": None, "limited_by": None}
    assert measured_of(report).ceiling == 24.0
    report["ceiling"]["slo"] = {"calls": 0.0, "ci": (0.0, 1.0), "limited_by": "p95"}
    assert measured_of(report).ceiling == 30.0, "a promise missed at one call is no limit of load"


def test_where_no_component_can_be_told_the_whole_turn_speaks() -> None:
    report = demo_report()
    report["inflection"] = {**report["inflection"], "status": "unobserved", "candidates": []}
    report["turn_inflection"] = {
        **report["turn_inflection"],
        "status": "not_reached",
        "candidates": [],
        "tested_up_to": 96.0,
    }
    unknown = {"calls": None, "ci": None, "limited_by": None}
    report["ceiling"] = cast("Report", {"ceiling": {"slo": unknown, "degradation": unknown}})[
        "ceiling"
    ]
    measured = measured_of(report)
    assert (measured.status, measured.ceiling) == ("not_reached", 96.0)


def test_an_earlier_run_of_the_same_target_lends_its_ceiling(store: Path, tmp_path: Path) -> None:
    found = earlier_ceiling(store, "sim:")
    assert found.calls is not None
    assert found.source in (f"run {PLANTED}", f"run {QUIET}")
    assert earlier_ceiling(store, "ws://elsewhere").calls is None
    assert earlier_ceiling(tmp_path, "sim:").calls is None


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Measured(0, "unknown", why="it hung"), "measured nothing: it hung"),
        (
            Measured(0, "found", "llm", 24, 20, 28, 18),
            "measured so far: llm is full at 24 calls (20 to 28); 18 calls are carried",
        ),
        (
            Measured(0, "not_reached", ceiling=40),
            "measured so far: nothing bends; 40 calls are carried",
        ),
        (
            Measured(0, "cannot_tell"),
            "measured so far: no component can be told yet; how many calls are carried is not known"
            " yet",
        ),
    ],
)
def test_a_measurement_is_said_in_a_line(measured: Measured, said: str) -> None:
    assert words(measured) == said
