from __future__ import annotations

import pytest

from otel_voiceload.reports import trend as trends
from otel_voiceload.reports.compare_read import RunFigures
from otel_voiceload.reports.marks import Marks
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
    found = trends.trend(Twelve(), "r-11", "llm p95", 12, NO_MARKS)  # type: ignore[arg-type]
    assert found.notes[-1].startswith("a step at r-6: median 0.3")
    knees = trends.trend(Twelve(), "r-11", "knee", 12, NO_MARKS)  # type: ignore[arg-type]
    assert knees.notes[-1].startswith("no step")
