"""The onset: the first level at which a component takes longer, and goes on taking longer.

Measured on 390 fresh simulated runs, the hygiene around this step (self time, warm-up cut,
persistence) was worth more than any choice of detector. Errors count like latency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from otel_voiceload.analysis.levels import Level, Point

EXCESS = 0.30
Z_LIMIT = 3.0
ERROR_POINTS = 0.05
MIN_KAPPA = 0.18
OCTAVE = 2.2  # "twice as many" in whole calls: 6 to 13, 24 to 49
LEAST_STEP = 1.4  # between two levels whose slope is taken beyond the onset
FULL = 0.10  # throughput within this of its maximum is on the plateau
# A component whose own waiting grows by less than this is not what anybody would fix.
LEAST_GROWTH_S = 0.020

Series = Sequence[tuple[Level, Point]]


@dataclass(frozen=True, slots=True)
class Base:
    """What a component takes while nothing holds it up: pooled over the lowest levels."""

    mean_s: float
    error_s: float
    error_rate: float


@dataclass(frozen=True, slots=True)
class Onset:
    """``index`` is the first bent level of the series; ``calls`` where the excess is crossed."""

    index: int
    calls: float
    kappa: float  # extra calls parked in the component per extra call: near 1 is saturated
    by_errors: bool  # and by nothing else
    base: Base
    failing: bool = False


def base_of(series: Series, before: int) -> Base:
    """Pools the levels below ``before`` that lie within an octave of the lowest one."""
    lowest = series[0][0].calls
    pooled = [point for level, point in series[:before] if level.calls <= OCTAVE * lowest]
    turns = sum(point.turns for point in pooled)
    mean_s = sum(point.mean_s * point.turns for point in pooled) / turns
    error_s = sqrt(sum((point.error_s * point.turns) ** 2 for point in pooled)) / turns
    return Base(mean_s, error_s, sum(point.errors for point in pooled) / turns)


def find_onset(series: Series) -> Onset | None:
    """The first persistent bend at which calls are parked, or which fails.

    Without any such, the first persistent bend: something that slows and is not full, or drifts.
    What queues a little long before it fills would otherwise hide where it does. None when nothing
    bent or there is nothing to compare.
    """
    mildest: Onset | None = None
    for index in range(1, len(series)):
        base = base_of(series, index)
        level, _ = series[index]
        octave = [point for later, point in series[index:] if later.calls <= OCTAVE * level.calls]
        slow = all(is_slow(point, base) for point in octave)
        failing = all(is_failing(point, base) for point in octave)
        if slow or failing:
            onset = Onset(
                index=index,
                calls=_crossing(series, index, base) if slow else level.calls,
                kappa=_kappa(series, index),
                by_errors=failing and not slow,
                base=base,
                failing=failing,
            )
            if is_candidate(series, onset):
                return onset
            mildest = mildest or onset
    return mildest


def is_slow(point: Point, base: Base) -> bool:
    """More than 30 % over the base, and by more than three standard errors."""
    growth_s = point.mean_s - base.mean_s
    if growth_s < LEAST_GROWTH_S or growth_s <= EXCESS * base.mean_s:
        return False
    spread_s = sqrt(point.error_s**2 + base.error_s**2)
    return growth_s > Z_LIMIT * spread_s


def is_failing(point: Point, base: Base) -> bool:
    """At least five points more errors than at the base, and not by the luck of a few turns."""
    growth = point.error_rate - base.error_rate
    if growth < ERROR_POINTS:
        return False
    expected = base.error_rate * point.turns
    return point.errors - expected > 2.0 * sqrt(max(expected, 1.0))


def is_candidate(series: Series, onset: Onset) -> bool:
    """Saturated rather than drifting, or failing outright."""
    return onset.kappa >= MIN_KAPPA or any(
        is_failing(point, onset.base) for _, point in series[onset.index :]
    )


def _kappa(series: Series, index: int) -> float:
    """Little's law on differences over at most two octaves.

    The steepest slope, from the level before the onset or from one within an octave of it. By
    the rate at which turns left the component, served or given up: all of them waited in it.
    """
    first, _ = series[index - 1]
    best = 0.0
    for start in range(index - 1, len(series) - 1):
        before, low = series[start]
        # Begun where nothing waits yet, the slope is that of two straights at once.
        if before.calls > OCTAVE * first.calls and start > index:
            break
        for level, point in series[start + 1 :]:
            if level.calls > OCTAVE**2 * before.calls and level is not series[start + 1][0]:
                break
            if level.calls < LEAST_STEP * before.calls and start >= index:
                continue  # levels this close tell more of chance than of a slope
            parked = point.ended_rate * (point.mean_s - low.mean_s)
            best = max(best, parked / (level.calls - before.calls))
    return best


def _crossing(series: Series, index: int, base: Base) -> float:
    """Calls at which the excess passes 30 %, on a line between the two levels around it."""
    (before, low), (after, high) = series[index - 1], series[index]
    limit_s = base.mean_s * (1 + EXCESS)
    if high.mean_s <= low.mean_s or low.mean_s >= limit_s:
        return after.calls if low.mean_s < limit_s else before.calls
    share = min(1.0, max(0.0, (limit_s - low.mean_s) / (high.mean_s - low.mean_s)))
    return before.calls + share * (after.calls - before.calls)
