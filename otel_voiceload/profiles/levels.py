"""Levels: stages that hold one concurrency, which is the unit of evidence."""

from __future__ import annotations

from collections.abc import Iterable

from otel_voiceload.model import Stage

CYCLES_PER_HOLD = 4  # fewer turn cycles than this leave nothing to count after the warm-up
# Of the turns after the warm-up: the first of each call is left out, and a call may have but three.
COUNTED_SHARE = 0.55


def level(
    index: int,
    phase: str,
    start_s: float,
    duration_s: float,
    calls: int,
    repeat_of: int | None = None,
    note: str = "",
) -> Stage:
    """A stage that jumps to ``calls`` and holds them."""
    return Stage(
        index, phase, start_s, duration_s, float(calls), float(calls), repeat_of, note=note
    )


def staircase(
    phase: str, levels: Iterable[tuple[int, float]], index: int = 0, start_s: float = 0.0
) -> tuple[Stage, ...]:
    """Levels of (calls, seconds), one after the other."""
    made: list[Stage] = []
    for calls, hold_s in levels:
        made.append(level(index, phase, start_s, hold_s, calls))
        index, start_s = index + 1, start_s + hold_s
    return tuple(made)


def paced_hold_s(hold_s: float, pace: float, turn_cycle_s: float) -> float:
    """A hold stretched by ``pace``, but not shrunk to where there is nothing to count."""
    least_s = min(hold_s, CYCLES_PER_HOLD * turn_cycle_s)
    return max(hold_s * pace, least_s)


def countable_hold_s(calls: int, turns: int, turn_cycle_s: float) -> float:
    """A hold in which so many turns of so few calls can be counted, after one cycle of warm-up."""
    cycles = 1 + turns / (COUNTED_SHARE * max(1, calls))
    return max(CYCLES_PER_HOLD, cycles) * turn_cycle_s


def halvings(calls: int, times: int) -> tuple[int, ...]:
    """``calls`` halved so many times, lowest first, each number of calls once."""
    return tuple(sorted({max(1, round(calls / 2**step)) for step in range(times + 1)}))
