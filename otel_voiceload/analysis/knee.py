"""The saturation point N*: plateau throughput times the unloaded turn cycle.

The operational law of a closed loop: a component that is full finishes X turns a second; calls that
nothing holds up ask once per cycle Z; so N* = X Z calls fill it. Locating the knee this way had a
median error of 3 % where the best threshold had 17 %. The interval resamples blocks and calls with
the choice of component and onset held fixed, so it says nothing about a wrong name; it is widened
by 7 % either side, a floor chosen by judgement. A component that collapses has no plateau: then
only the two levels around its limit are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from otel_voiceload.analysis.levels import Cycles, Evidence, Floats, Level, Point
from otel_voiceload.analysis.onset import FULL, Onset

RESAMPLES = 400
WIDEN = 0.07
MIN_CYCLES = 5
SAME_VISITS = 0.03  # closer to one use per turn is a failure here and there


@dataclass(frozen=True, slots=True)
class Knee:
    calls: float
    low: float
    high: float
    rate: float  # turns per second on the plateau
    cycle_s: float  # unloaded
    full_from: float  # lowest level on the plateau, in calls
    still_rising: bool  # the highest level carried notably more than the one before: no plateau


def locate(
    evidence: Evidence, component: str, onset: Onset, rng: np.random.Generator
) -> Knee | None:
    """N* with its 95 % interval; None when no turn cycle was seen below the onset."""
    series = evidence.series(component)
    below = [level for level, _ in series[: onset.index]]
    cycles = [evidence.cycles[level] for level in below]
    counts = np.concatenate([each.counts for each in cycles])
    sums = np.concatenate([each.sums_s for each in cycles])
    if counts.sum() < MIN_CYCLES:
        return None
    bent = series[onset.index :]
    before, last_well = series[onset.index - 1]
    if max(point.rate for _, point in bent) < (1 - FULL) * last_well.rate:
        return _collapse(before, bent[0][0], last_well.rate, mean_cycle_s(cycles) or 0.0)
    # The best of many short levels is the luckiest one: each counts as what it surely carried.
    best = max(point.rate - _rate_error(level, point) for level, point in bent)
    plateau = [
        (level, point)
        for level, point in bent
        if point.rate + _rate_error(level, point) >= (1 - FULL) * best
    ]
    visits = _visits(evidence, series[: onset.index])
    rate = _rate(plateau) / visits
    cycle_s = float(sums.sum() / counts.sum())
    drawn = _resampled_rates(plateau, rng) * _resampled_cycles(counts, sums, rng) / visits
    low, high = np.quantile(drawn, (0.025, 0.975))
    top, top_point = series[-1]
    previous, previous_point = series[-2]
    fair_share = previous_point.rate * top.calls / previous.calls
    return Knee(
        calls=rate * cycle_s,
        low=float(low) * (1 - WIDEN),
        high=float(high) * (1 + WIDEN),
        rate=rate,
        cycle_s=cycle_s,
        full_from=plateau[0][0].calls,
        still_rising=top_point.rate > 0.5 * (previous_point.rate + fair_share),
    )


def mean_cycle_s(cycles: Sequence[Cycles]) -> float | None:
    """The pooled mean turn cycle; None when hardly any was seen."""
    count = sum(float(each.counts.sum()) for each in cycles)
    if count < MIN_CYCLES:
        return None
    return sum(float(each.sums_s.sum()) for each in cycles) / count


def _collapse(before: Level, after: Level, rate: float, cycle_s: float) -> Knee:
    """Past its limit it carries less than below it, so no plateau tells where the limit was.

    Only that it lies between the last level that was well and the first that was not.
    """
    return Knee(
        calls=sqrt(before.calls * after.calls),
        low=before.calls,
        high=after.calls,
        rate=rate,
        cycle_s=cycle_s,
        full_from=after.calls,
        still_rising=False,
    )


def _rate_error(level: Level, point: Point) -> float:
    """One standard error of a rate, as of independent turns."""
    return sqrt(max(1.0, sum(point.finished))) / level.total_s


def _visits(evidence: Evidence, below: Sequence[tuple[Level, Point]]) -> float:
    """How often a turn is seen to use the component while nothing is full.

    Under 1 for a tool that few turns need, and where spans were sampled or lost: a turn that is not
    seen in the component asks for it all the same, or never does, and either way the turns that the
    plateau carries are more than it shows.
    """
    turns = evidence.points.get("turn", {})
    both = [(point.turns, turns[level].turns) for level, point in below if level in turns]
    seen, asked = (sum(each) for each in zip(*both, strict=True)) if both else (0, 0)
    if asked <= 0 or seen <= 0:
        return 1.0
    share = seen / asked
    return 1.0 if abs(share - 1.0) < SAME_VISITS else share


def _rate(plateau: Sequence[tuple[Level, Point]]) -> float:
    finished = sum(sum(point.finished) for _, point in plateau)
    return finished / sum(level.total_s for level, _ in plateau)


def _resampled_rates(plateau: Sequence[tuple[Level, Point]], rng: np.random.Generator) -> Floats:
    finished = np.array([each for _, point in plateau for each in point.finished])
    seconds = np.array([each for level, _ in plateau for each in level.seconds])
    weights = rng.poisson(1.0, (RESAMPLES, len(finished)))
    # A resample without any block is no resample; the mean stands in for it.
    weights[weights.sum(axis=1) == 0] = 1
    return np.asarray((weights @ finished) / (weights @ seconds), dtype=np.float64)


def _resampled_cycles(counts: Floats, sums: Floats, rng: np.random.Generator) -> Floats:
    weights = rng.poisson(1.0, (RESAMPLES, len(counts)))
    weights[(weights @ counts) == 0] = 1
    return np.asarray((weights @ sums) / (weights @ counts), dtype=np.float64)
