"""Ceilings: up to how many calls a promise holds.

`slo` is the user's promise (every threshold), `degradation` the agent's own (p95 at most twice its
baseline, completion at most five points down). An agent that misses its threshold at one call has
no load problem, and the two ceilings side by side say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

from otel_voiceload.analysis.judge import Grounds, judge_values, levels_seen
from otel_voiceload.analysis.levels import Level
from otel_voiceload.analysis.thresholds import Threshold, from_mapping

# Turns, calls or streams of a level: a promise is not held or broken by fewer, as in
# queries/views/levels.sql. Three slow turns of a run that was stopped made a ceiling of no calls.
FEWEST: Final = 6
DEGRADATION = {"turn_latency": ["p95<2x baseline"], "call_completion": ["drop<5pp"]}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """``calls`` None: not known. ``limited_by`` None: nothing broke up to ``calls``."""

    calls: float | None
    ci: tuple[float, float] | None
    limited_by: str | None


@dataclass(frozen=True, slots=True)
class _Break:
    calls: float
    low: float
    high: float
    name: str


def slo(thresholds: Sequence[Threshold], grounds: Grounds) -> Ceiling:
    """Highest load at which every threshold holds, by its estimate."""
    return _lowest(thresholds, grounds)


def degradation(grounds: Grounds) -> Ceiling:
    """Highest load at which the agent is still about as good as its own baseline.

    Not known where the baseline answered nobody: calls that end as badly as ever hold nothing.
    """
    thresholds = from_mapping(DEGRADATION)
    found = _lowest(thresholds, grounds)
    latency = next(each for each in thresholds if each.metric == "turn_latency")
    if found.limited_by is None and _break_of(latency, grounds) is None:
        return Ceiling(None, None, None)
    return found


def _lowest(thresholds: Sequence[Threshold], grounds: Grounds) -> Ceiling:
    judged = [
        (threshold, found)
        for threshold in thresholds
        if (found := _break_of(threshold, grounds)) is not None
    ]
    broken = [found for _, found in judged if isinstance(found, _Break)]
    if broken:
        first = min(broken, key=lambda each: each.calls)
        return Ceiling(first.calls, (first.low, first.high), first.name)
    reached = [found for _, found in judged if not isinstance(found, _Break)]
    return Ceiling(min(reached), None, None) if reached else Ceiling(None, None, None)


def _break_of(threshold: Threshold, grounds: Grounds) -> _Break | float | None:
    """Where it broke, or how far it held; None when no level can tell."""
    data = grounds.measured.get(threshold.metric)
    if data is None or threshold.selector:
        return None
    held: tuple[Level, float] | None = None
    for level, judged, broken in levels_seen(threshold, data, grounds, FEWEST):
        observed = judged.observed or 0.0
        if not broken:
            held = (level, observed)
            continue
        name = f"{threshold.name}: {threshold.expression}"
        if held is None:
            return _Break(0.0, 0.0, level.named, name)
        limit = _absolute(threshold, grounds)
        calls = _between(held[0].named, level.named, held[1], observed, limit)
        return _Break(calls, held[0].named, level.named, name)
    return None if held is None else held[0].named


def _absolute(threshold: Threshold, grounds: Grounds) -> float:
    if threshold.unit != "x":
        return threshold.limit
    base = grounds.baseline[threshold.metric]
    plain = judge_values(_plain(threshold), base, grounds)
    return (plain.observed or 0.0) * threshold.limit


def _plain(threshold: Threshold) -> Threshold:
    """The same statistic without the comparison, to read the baseline's own value."""
    return Threshold(
        threshold.metric,
        threshold.selector,
        threshold.statistic,
        threshold.op,
        0.0,
        "s",
        False,
        threshold.expression,
    )


def _between(low: float, high: float, at_low: float, at_high: float, limit: float) -> float:
    """Calls at which the figure crosses the limit, on a line through both levels.

    Latency grows by factors, rates by points: logarithms where both ends are positive and rise.
    """
    if 0 < at_low < limit < at_high:
        share = (log(limit) - log(at_low)) / (log(at_high) - log(at_low))
    elif at_high != at_low:
        share = (limit - at_low) / (at_high - at_low)
    else:
        return low
    share = min(1.0, max(0.0, share))
    return exp(log(low) + share * (log(high) - log(low)))
