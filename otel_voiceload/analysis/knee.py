"""The saturation point N*: plateau throughput times the unloaded turn cycle.

The operational law of a closed loop: with a component that is full X turns a second get through;
calls that nothing holds up ask once per cycle Z; so N* = X Z calls fill it. Locating the knee this
way had a median error of 3 % where the best threshold had 17 %.

X is read off the turns and not off the component's own spans, which may be sampled, lost or absent
from most turns. Below the onset the cycle is longer by what already waits, and that is taken off.
The interval resamples blocks and calls with the choice of component and onset held fixed, so it
says nothing about a wrong name. It is widened for what resampling can not see: levels that are not
yet quite full, work that was done for callers who had gone, the share of time in which refused
work left servers idle. A component that collapses has no plateau: then only the two levels around
its limit are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from otel_voiceload.analysis.levels import Cycles, Evidence, Floats, Level, Point
from otel_voiceload.analysis.onset import FULL, Onset, Series, base_of

RESAMPLES = 400
WIDEN = 0.05  # as much as puts 95 of 100 knees of the benchmark inside, and some
MIN_CYCLES = 5
_HANDS = 5000  # of calls, at most, that are resampled
IN_VAIN = 0.05
WIDEN_IN_VAIN = 0.15  # where no level without such work is full
MOST_IDLE = 1.35  # of servers that refuse: more, and the limit was another one


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
    evidence: Evidence,
    component: str,
    onset: Onset,
    rng: np.random.Generator,
    served_per_s: float | None = None,
) -> Knee | None:
    """N* with its 95 % interval; None when no turn cycle was seen below the onset.

    ``served_per_s`` is what the servers could do if none ever stood idle, where that is known.
    """
    series = evidence.series(component)
    below = series[: onset.index]
    cycles = [evidence.cycles[level] for level, _ in below]
    counts = np.concatenate([each.counts for each in cycles])
    sums = np.concatenate([each.sums_s for each in cycles])
    if counts.sum() < MIN_CYCLES:
        return None
    waits_s = _waits_s(evidence, [level for level, _ in below])
    sums = sums - counts * np.repeat(waits_s, [len(each.counts) for each in cycles])
    cycle_s = float(sums.sum() / counts.sum())
    carried = _carried(evidence, series)
    last, last_well = carried[onset.index - 1]
    enough = (1 - FULL) * last_well.rate
    # Answers for callers who had gone are work all the same, though not quite that of others: who
    # leaves while being served frees a server early, and has used it for nothing. So levels without
    # them go first, if one of them is full.
    bent = _own_work(evidence, series[onset.index :])
    clean = [(level, point) for level, point in carried[onset.index :] if not _in_vain(point)]
    refuses = served_per_s is not None
    full = any(point.rate * cycle_s < (1 - FULL) * level.calls for level, point in clean)
    widen = WIDEN
    if full and not refuses and _most(clean) >= enough:
        bent = clean
    elif len(clean) < len(bent) and not refuses:
        widen = WIDEN_IN_VAIN
    if _most(bent) < enough:
        if max(point.ended_rate for _, point in bent) < enough:
            return _collapse(last, bent[0][0], last_well.rate, cycle_s)
        bent = [(last, last_well), *bent]
    # The best of many short levels is the luckiest one: each counts as what it surely carried.
    best = max(point.rate - _rate_error(level, point) for level, point in bent)
    plateau = [
        (level, point)
        for level, point in bent
        if point.rate + _rate_error(level, point) >= (1 - FULL) * best
    ]
    rate = _rate(plateau)
    drawn = _resampled_rates(plateau, rng) * resampled_cycles(counts, sums, rng)
    low, high = (float(each) for each in np.quantile(drawn, (0.025, 0.975)))
    # Refused work comes back at random times, and until then servers may be idle.
    idle = 1.0
    if served_per_s is not None and 1.0 < served_per_s / rate < MOST_IDLE:
        idle = served_per_s / rate
    top, top_point = carried[-1]
    previous, previous_point = carried[-2]
    fair_share = previous_point.rate * top.calls / previous.calls
    return Knee(
        calls=rate * idle * cycle_s,
        low=low * idle * (1 - widen),
        high=high * idle * (1 + widen),
        rate=rate,
        cycle_s=cycle_s,
        full_from=plateau[0][0].calls,
        still_rising=top_point.rate - _rate_error(top, top_point)
        > max(_most(carried[:-1]), 0.5 * (previous_point.rate + fair_share)),
    )


def _carried(evidence: Evidence, series: Series) -> Series:
    """The turns at the component's levels; its own work where a level has none of them."""
    turns = evidence.points.get("turn", {})
    return tuple((level, turns.get(level, point)) for level, point in series)


def _most(series: Series) -> float:
    return max(point.rate for _, point in series)


def _in_vain(point: Point) -> bool:
    """Whether much of what ended had been given up by those who asked."""
    return point.rate < (1 - IN_VAIN) * point.ended_rate


def _own_work(evidence: Evidence, series: Series) -> list[tuple[Level, Point]]:
    """What the component itself finished, scaled to turns by those that show it at the level."""
    turns = evidence.points.get("turn", {})
    scaled = []
    for level, point in series:
        asked = turns[level].turns if level in turns else point.turns
        share = asked / point.turns
        scaled.append(
            (
                level,
                replace(
                    point,
                    finished=tuple(each * share for each in point.finished),
                    rate=point.rate * share,
                    ended_rate=point.ended_rate * share,
                ),
            )
        )
    return scaled


def _waits_s(evidence: Evidence, below: Sequence[Level]) -> list[float]:
    """How much longer a turn took at each of these levels than at the lowest of them."""
    turns = evidence.points.get("turn", {})
    seen = [(level, turns[level]) for level in below if level in turns]
    if not seen:
        return [0.0] * len(below)
    base_s = base_of(seen, len(seen)).mean_s
    return [turns[level].mean_s - base_s if level in turns else 0.0 for level in below]


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
        low=before.calls * (1 - WIDEN),
        high=after.calls * (1 + WIDEN),
        rate=rate,
        cycle_s=cycle_s,
        full_from=after.calls,
        still_rising=False,
    )


def _rate_error(level: Level, point: Point) -> float:
    """One standard error of a rate, as of independent turns."""
    return sqrt(max(1.0, sum(point.finished))) / level.total_s


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


def _dealt(of_calls: Floats) -> Floats:
    """Of very many calls, their sums over hands of calls dealt out in turn.

    Hands differ from each other as much as the calls in them do, so resampling them gives the same
    interval, in a time that no longer grows with the calls.
    """
    if len(of_calls) <= _HANDS:
        return of_calls
    rounds = -(-len(of_calls) // _HANDS)
    dealt: Floats = np.zeros(rounds * _HANDS)
    dealt[: len(of_calls)] = of_calls
    return np.asarray(dealt.reshape(rounds, _HANDS).sum(axis=0), dtype=np.float64)


def resampled_cycles(counts: Floats, sums: Floats, rng: np.random.Generator) -> Floats:
    # One at a time: all of them for the calls of a large run would be half a gigabyte. And not by
    # `@`: over this little its threads wait for each other for longer than they work.
    counts, sums = _dealt(counts), _dealt(sums)
    means = np.empty(RESAMPLES)
    for at in range(RESAMPLES):
        weights = rng.poisson(1.0, len(counts)).astype(np.float64)
        seen = np.einsum("i,i", weights, counts)
        if seen == 0:
            weights[:], seen = 1, counts.sum()
        means[at] = np.einsum("i,i", weights, sums) / seen
    return means
