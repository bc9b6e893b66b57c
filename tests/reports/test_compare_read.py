from __future__ import annotations

from pathlib import Path

from otel_voiceload.reports.compare_read import read_run
from otel_voiceload.store.open import open_store
from tests.reports.compared import a_run
from tests.reports.samples import PLANTED


def test_rows_of_a_run_are_known_by_the_calls_asked_for(store: Path) -> None:
    with open_store(store) as reading:
        run = read_run(reading, PLANTED)
    assert run.run_id == PLANTED
    assert run.asked == {6, 12, 24, 48}
    low, every = run.rows("llm", frozenset([6.0])), run.rows("llm", run.asked)
    assert low is not None
    assert every is not None
    assert 0 < len(low.values) < len(every.values)
    assert set(every.levels.tolist()) == {0, 1, 2, 3}
    assert run.rows("llm", frozenset([7.0])) is None
    assert run.rows("tool", None) is None


def test_without_levels_all_of_a_run_counts_as_one() -> None:
    rows = a_run("a", 1).rows("turn_latency", None)
    assert rows is not None
    assert set(rows.levels.tolist()) == {0}
