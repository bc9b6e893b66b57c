"""Calls that were on the target already while it was tested: they count, though nobody saw them.

What the target carried is ours and theirs. Each of their calls is taken to ask as much of it as
one of ours does, so at a level of ``n`` calls of ours and ``N`` of theirs all that was finished is
``(n + N) / n`` of what was finished for us. Counted so, a full component has the plateau that its
capacity gives, and the saturation point comes out in calls of both kinds. Ours alone would show a
throughput that never stops growing: the more calls are ours, the larger our share of a full target.
What of a component was under way at once is counted alike; what processes took is the target's own
and holds their calls already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from otel_voiceload.analysis.cause import Grounds, Work
from otel_voiceload.analysis.levels import Cycles, Evidence, Level, Point


def with_background(evidence: Evidence, calls: float) -> Evidence:
    """The evidence in calls of both kinds; ``calls`` were there already, at every level."""
    if calls <= 0:
        return evidence
    now = {
        level: replace(level, calls=level.calls + calls, asked=level.asked + calls)
        for level in (*evidence.rising, *evidence.returned)
    }

    def of_both(points: Mapping[str, Mapping[Level, Point]]) -> dict[str, dict[Level, Point]]:
        return {
            name: {now[level]: _scaled(point, level, calls) for level, point in at.items()}
            for name, at in points.items()
        }

    cycles: dict[Level, Cycles] = {now[level]: each for level, each in evidence.cycles.items()}
    return Evidence(
        rising=tuple(now[level] for level in evidence.rising),
        returned=tuple(now[level] for level in evidence.returned),
        points=of_both(evidence.points),
        cycles=cycles,
        with_first=of_both(evidence.with_first),
    )


def grounds_with_background(grounds: Grounds, calls: float) -> Grounds:
    """What causes are told by, in calls of both kinds."""
    if calls <= 0:
        return grounds
    return replace(
        grounds,
        work=lambda component: [_of_both(each, calls) for each in grounds.work(component)],
        target=[replace(each, calls=each.calls + calls) for each in grounds.target],
    )


def _of_both(work: Work, calls: float) -> Work:
    if work.calls <= 0:
        return work
    factor = (work.calls + calls) / work.calls
    median, most = work.at_once_median, work.at_once_most
    return replace(
        work,
        calls=work.calls + calls,
        at_once_median=None if median is None else median * factor,
        at_once_most=None if most is None else round(most * factor),
    )


def _scaled(point: Point, level: Level, calls: float) -> Point:
    if level.calls <= 0:
        return point
    factor = (level.calls + calls) / level.calls
    return replace(
        point,
        finished=tuple(each * factor for each in point.finished),
        rate=point.rate * factor,
        ended_rate=point.ended_rate * factor,
    )
