"""What lies outside of a window: the unloaded levels that the levels inside are held against.

A window that begins above them would else take its own lowest level for the unloaded target, and
call a component that is full there well, or every ceiling none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from otel_voiceload.analysis.judge import Measured
from otel_voiceload.analysis.levels import Evidence, Level
from otel_voiceload.analysis.onset import OCTAVE


def unloaded(whole: Evidence, window: Evidence, up_to: float) -> tuple[Level, ...]:
    """The unloaded levels of ``whole`` that a window's evidence lacks; none where it has any.

    Unloaded are those of at most ``up_to`` calls; in a run that began higher, those within an
    octave of its lowest.
    """
    inside = [level.asked for level, _ in window.series("turn")]
    outside = [level.asked for level, _ in whole.series("turn")]
    if not inside or not outside:
        return ()
    limit = max(up_to, OCTAVE * min(outside))
    if min(inside) <= limit:
        return ()
    return tuple(level for level, _ in whole.series("turn") if level.asked <= limit)


def with_levels(window: Evidence, whole: Evidence, levels: tuple[Level, ...]) -> Evidence:
    """A window's evidence and these levels of the whole run; a sliver of one of them gives way."""
    numbers = {number for level in levels for number in level.numbers}
    rising = [level for level in window.rising if not numbers & set(level.numbers)]
    added = {
        name: {level: at[level] for level in levels if level in at}
        for name, at in whole.points.items()
    }
    kept = {
        name: {level: point for level, point in at.items() if level in (*rising, *window.returned)}
        for name, at in window.points.items()
    }
    return replace(
        window,
        rising=tuple(sorted((*levels, *rising), key=lambda each: each.calls)),
        points={name: added.get(name, {}) | kept.get(name, {}) for name in {**kept, **added}},
        cycles={
            **window.cycles,
            **{level: whole.cycles[level] for level in levels if level in whole.cycles},
        },
    )


def with_rows(
    window: Mapping[str, Measured], whole: Mapping[str, Measured], levels: tuple[Level, ...]
) -> dict[str, Measured]:
    """A window's figures and, of the whole run's, those at these levels."""
    numbers = [number for level in levels for number in level.numbers]
    joined = dict(window)
    for name, rows in whole.items():
        at = rows.where(np.isin(rows.levels, numbers))
        joined[name] = _joined(window[name], at) if name in window else at
    return joined


def _joined(window: Measured, outside: Measured) -> Measured:
    inside = window.where(~np.isin(window.levels, np.unique(outside.levels)))
    # Both number calls from one on, and are numbered apart here.
    beyond = float(inside.calls.max()) + 1 if len(inside.calls) else 0.0
    return Measured(
        values=np.concatenate([inside.values, outside.values]),
        censored=np.concatenate([inside.censored, outside.censored]),
        calls=np.concatenate([inside.calls, outside.calls + beyond]),
        levels=np.concatenate([inside.levels, outside.levels]),
        phases=np.concatenate([inside.phases, outside.phases]),
        scenarios=np.concatenate([inside.scenarios, outside.scenarios]),
    )
