"""The rows behind the charts: what a page shows beyond the Report, which holds findings only.

Each exhibit is the answer of one named query, unchanged, so that ``ovl query NAME`` prints what a
chart draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypedDict, cast


class TurnShare(TypedDict):
    """One component of the mean turn at one level; seconds, and its share of 0..1."""

    level_no: int
    level: float
    component: str
    turns: int
    mean_s: float | None
    share: float | None


class TimelinePoint(TypedDict):
    """Calls at a moment: ``asked`` at a stage's start or end, ``held`` as counted."""

    series: str
    at_s: float
    calls: float
    stage_index: int | None
    phase: str | None


class ExemplarSpan(TypedDict):
    """One component attempt of one chosen turn; seconds since the caller stopped speaking.

    A turn that came without component timing has one row whose component is None.
    """

    exemplar: str
    call_id: str
    turn_index: int
    calls: float | None
    latency_s: float
    component: str | None
    attempt: int | None
    start_s: float | None
    end_s: float | None
    source: str | None
    error_type: str | None


@dataclass(frozen=True, slots=True)
class Exhibits:
    turn_share: list[TurnShare]
    stage_timeline: list[TimelinePoint]
    exemplar_turns: list[ExemplarSpan]


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


def gather(reading: Answers, run_id: str, knee_calls: float | None = None) -> Exhibits:
    """Runs the exhibits' queries for one run; ``knee_calls`` is where the first component bends."""
    return Exhibits(
        turn_share=cast(list[TurnShare], reading.query("turn_share", run_id=run_id)),
        stage_timeline=cast(list[TimelinePoint], reading.query("stage_timeline", run_id=run_id)),
        exemplar_turns=cast(
            list[ExemplarSpan],
            reading.query("exemplar_turns", run_id=run_id, knee_calls=knee_calls),
        ),
    )
