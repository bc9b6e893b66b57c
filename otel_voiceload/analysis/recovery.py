"""Did it get well again when the load came back down? The check that tells load from time.

A single climb can not tell a component that is full from one that happened to slow down late. So
the load returns to an earlier level, and what begins there after the backlog is gone is compared
with what that level showed on the way up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from otel_voiceload.analysis.levels import SAME_BIN, SAME_LEVEL, Evidence
from otel_voiceload.analysis.onset import EXCESS, LEAST_GROWTH_S, Z_LIMIT

MIN_TURNS = 5


@dataclass(frozen=True, slots=True)
class Return:
    asked: float  # the level that was repeated
    before_s: float
    after_s: float
    recovered: bool


def returned(evidence: Evidence, component: str, below_index: int) -> Return | None:
    """The best seen return to a level below the onset; None when there was none to judge.

    Levels below ``below_index`` of the component's series had not bent on the way up.
    """
    points = evidence.points.get(component, {})
    with_first = evidence.with_first.get(component, {})
    best: tuple[int, Return] | None = None
    for level in evidence.returned:
        point = points.get(level)
        only_first = point is None or point.turns < MIN_TURNS
        if only_first:
            point = with_first.get(level)
        if point is None or point.turns < MIN_TURNS:
            continue
        for before, early in evidence.series(component)[:below_index]:
            near = SAME_LEVEL if before.kind == "held" else SAME_BIN
            if abs(before.asked - level.asked) > near * before.asked:
                continue
            growth_s = point.mean_s - early.mean_s
            spread_s = sqrt(point.error_s**2 + early.error_s**2)
            slow = (
                growth_s > LEAST_GROWTH_S
                and growth_s > EXCESS * early.mean_s
                and growth_s > Z_LIMIT * spread_s
            )
            if slow and only_first:
                continue  # first turns are slower anywhere; being well they do speak
            seen = Return(level.asked, early.mean_s, point.mean_s, recovered=not slow)
            if best is None or point.turns > best[0]:
                best = (point.turns, seen)
    return None if best is None else best[1]
