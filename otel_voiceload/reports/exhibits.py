"""The rows behind the charts: what a page shows beyond the Report, which holds findings only.

Each exhibit is the answer of one named query, unchanged, so that ``ovl query NAME`` prints what a
chart draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from otel_voiceload.charts.stage_timeline import TimelinePoint
from otel_voiceload.charts.turn_share import Share
from otel_voiceload.charts.waterfall import ExemplarSpan


@dataclass(frozen=True, slots=True)
class Exhibits:
    turn_share: list[Share]
    stage_timeline: list[TimelinePoint]
    exemplar_turns: list[ExemplarSpan]


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


def gather(reading: Answers, run_id: str, knee_calls: float | None = None) -> Exhibits:
    """Runs the exhibits' queries for one run; ``knee_calls`` is where the first component bends."""
    return Exhibits(
        turn_share=cast(list[Share], reading.query("turn_share", run_id=run_id)),
        stage_timeline=cast(list[TimelinePoint], reading.query("stage_timeline", run_id=run_id)),
        exemplar_turns=cast(
            list[ExemplarSpan],
            reading.query("exemplar_turns", run_id=run_id, knee_calls=knee_calls),
        ),
    )
