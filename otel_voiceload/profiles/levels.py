"""Levels: stages that hold one concurrency, which is the unit of evidence."""

from __future__ import annotations

from collections.abc import Iterable

from otel_voiceload.model import Stage

CYCLES_PER_HOLD = 4  # fewer turn cycles than this leave nothing to count after the warm-up


def level(
    index: int,
    phase: str,
    start_s: float,
    duration_s: float,
    calls: int,
    repeat_of: int | None = None,
) -> Stage:
    """A stage that jumps to ``calls`` and holds them."""
    return Stage(index, phase, start_s, duration_s, float(calls), float(calls), repeat_of)


def staircase(phase: str, levels: Iterable[int], hold_s: float) -> tuple[Stage, ...]:
    """Levels of equal length from the start of the run."""
    return tuple(
        level(index, phase, index * hold_s, hold_s, calls) for index, calls in enumerate(levels)
    )


def paced_hold_s(hold_s: float, pace: float, turn_cycle_s: float) -> float:
    """A hold stretched by ``pace``, but not shrunk to where there is nothing to count."""
    least_s = min(hold_s, CYCLES_PER_HOLD * turn_cycle_s)
    return max(hold_s * pace, least_s)
