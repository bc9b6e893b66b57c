from __future__ import annotations

from typing import Any

import pytest

from otel_voiceload.reports import trend as trends
from otel_voiceload.reports.compare_read import RunFigures
from otel_voiceload.reports.marks import Marks
from otel_voiceload.reports.render.rows import to_text
from otel_voiceload.store.reading import Table
from tests.reports.compared import a_run

NO_MARKS = Marks({}, ())


def test_a_step_is_said_with_the_run_at_which_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {f"r-{n}": a_run("r", n, slower=1.0 if n < 6 else 2.0) for n in range(12)}

    class Twelve:
        def sql(self, text: str, **parameters: object) -> object:
            class Rows:
                rows = tuple((run_id,) for run_id in reversed(runs))

            return Rows

    def read(reading: object, run_id: str, marked: object) -> RunFigures:
        return runs[run_id]

    monkeypatch.setattr(trends, "read_run", read)
    store: Any = Twelve()  # has of a store what is read here
    found = trends.trend(store, "r-11", "llm p95", 12, NO_MARKS)
    assert found.notes[-1].startswith("a step at r-6: median 0.3")
    knees = trends.trend(store, "r-11", "knee", 12, NO_MARKS)
    assert knees.notes[-1].startswith("no step")


def test_a_trend_fits_a_terminal() -> None:
    row = (
        "20270115T080001-abcdef",
        "a tag that nobody would ever want to read",
        "2027-01-15T08:00:01.123456Z",
        "inconclusive",
        123.45678,
        "at least",
    )
    table = Table(trends.COLUMNS, trends.TYPES, (row, (*row[:4], None, "")))
    short = trends.brief(table, "knee")
    text = to_text(short.columns, short.rows)

    assert max(map(len, text.splitlines())) <= 80
    assert "2027-01-15 08:00  inconclusive  at least 123.5  a tag" in text

    latency = Table(trends.COLUMNS, trends.TYPES, ((*row[:4], 0.7671, ""),))
    assert trends.brief(latency, "turn_latency p95").rows[0][3] == "0.7671 s"
