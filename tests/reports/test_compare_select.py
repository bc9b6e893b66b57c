from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.reports import compare_select
from otel_voiceload.reports.compare_read import RunFigures
from otel_voiceload.reports.compare_select import read_sides
from otel_voiceload.reports.marks import Marks
from tests.reports.compared import a_run
from tests.reports.samples import PLANTED, QUIET


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which runs are chosen is the question here, not what is in them."""

    def read(reading: object, run_id: str, marked: object) -> RunFigures:
        run = a_run("r", 1)
        run.report["run"]["id"] = run_id
        return run

    monkeypatch.setattr(compare_select, "read_run", read)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("base", "run", "chosen"),
    [
        ("friday", QUIET, ([PLANTED], [QUIET])),
        (f"{QUIET}, {QUIET}", "friday", ([QUIET], [PLANTED])),
        ("baseline", PLANTED, ([QUIET], [PLANTED])),
        ("later", "friday", ([QUIET], [PLANTED])),
    ],
)
def test_a_side_is_ids_tags_and_marked_baselines(
    base: str,
    run: str,
    chosen: tuple[list[str], list[str]],
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marks = Marks({"later": QUIET}, (QUIET,))
    monkeypatch.setattr(compare_select, "read_marks", lambda _: marks)
    sides = read_sides(store, base, run)
    assert ([r.run_id for r in sides.base], [r.run_id for r in sides.run]) == chosen


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("base", "run", "said"),
    [
        ("friday", PLANTED, "is on both sides"),
        (",", PLANTED, "names no run"),
        ("nobody", PLANTED, "has no run 'nobody'"),
        ("baseline", PLANTED, "No run is marked as a baseline"),
        ("missing.duckdb", PLANTED, "no file missing.duckdb"),
    ],
)
def test_what_can_not_be_meant_is_said(base: str, run: str, said: str, store: Path) -> None:
    with pytest.raises((StoreError, UsageError), match=said):
        read_sides(store, base, run)
