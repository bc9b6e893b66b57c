"""Judging thresholds: pass when the upper bound is under the limit, fail when the lower is over.

Everything in between is unknown, with the number of calls that would decide. A profile that climbs
until something breaks is not judged as a whole, since it always breaks: it is judged at the load
that the user expects, else level by level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Final, Literal

import numpy as np

from otel_voiceload.analysis import bounds
from otel_voiceload.analysis.bounds import Bounds, Sample
from otel_voiceload.analysis.levels import SAME_LEVEL, Floats, Level
from otel_voiceload.analysis.thresholds import PHASES, Threshold

Verdict = Literal["pass", "fail", "unknown", "not_applicable"]

NONE: Final = "there is no baseline to compare with: mark one with `ovl runs baseline RUN`"
NOT_ABOVE: Final = (
    "no level above those of the own baseline: tag a run with `ovl runs baseline RUN`"
)

# A stream has its packets counted only where packets exist; a byte stream waits instead.
PACKET_METRICS = ("jitter", "packet_loss")


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric's values over a run: one row per turn or call, with where it was in the run."""

    values: Floats
    censored: Floats
    calls: Floats
    levels: Floats  # level_no, NaN where a row counts for no level
    phases: np.typing.NDArray[np.str_]
    scenarios: np.typing.NDArray[np.str_]

    def where(self, mask: np.typing.NDArray[np.bool_]) -> Measured:
        if mask.all():
            return self
        return Measured(
            self.values[mask],
            self.censored[mask],
            self.calls[mask],
            self.levels[mask],
            self.phases[mask],
            self.scenarios[mask],
        )

    def sample(self) -> Sample:
        return bounds.sample(self.values, self.calls, self.censored)


@dataclass(frozen=True, slots=True)
class Judged:
    threshold: Threshold
    verdict: Verdict
    observed: float | None = None
    at_least: bool = False  # the figure lies among turns or work that was never seen to end
    low: float | None = None
    high: float | None = None
    needs_calls: int | None = None
    why: str | None = None
    judged_at: float | None = None  # calls; None: over the whole run
    levels_broken: tuple[float, ...] = ()
    decides: bool = True  # False: a search without an expected peak, so nothing to decide by


@dataclass(frozen=True, slots=True)
class Grounds:
    """What thresholds are judged on: a run's figures, its levels and the baseline's figures."""

    measured: Mapping[str, Measured]
    levels: Sequence[Level]  # the rising ones, lowest first
    baseline: Mapping[str, Measured]
    packets: bool  # whether this wire has packets to lose
    searches: bool  # the profile climbs until something breaks
    expected_peak: float | None = None
    wire_known: bool = True  # an import does not tell by which wire its calls came
    no_baseline: str = NONE  # why ``baseline`` has nothing


def judge(threshold: Threshold, grounds: Grounds) -> Judged:
    """One threshold over the run or a part of it, at the expected peak, or level by level."""
    if threshold.metric in PACKET_METRICS and not grounds.packets and grounds.wire_known:
        why = "this wire is a byte stream: it has no packets, see audio_gap instead"
        return Judged(threshold, "not_applicable", why=why)
    data = grounds.measured.get(threshold.metric)
    if data is None or not len(data.values):
        return Judged(threshold, "unknown", why=f"this run has no figure for {threshold.metric}")
    phases = sorted(set(data.phases.tolist()) - {""})
    data = _selected(threshold, data, grounds.levels)
    if not len(data.values):
        return _unmatched(threshold, phases, grounds.levels)
    if any(key in ("level", "phase") for key, _ in threshold.selector):
        return judge_values(threshold, data, grounds)  # whoever names a part means that part
    if grounds.expected_peak is not None and grounds.levels:
        return _at_peak(threshold, data, grounds, grounds.expected_peak)
    if grounds.searches and len(grounds.levels) > 1:
        return _by_level(threshold, data, grounds)
    return judge_values(threshold, data, grounds)


def judge_values(threshold: Threshold, data: Measured, grounds: Grounds) -> Judged:
    """The rows as they are, against the limit."""
    limit, note = _limit(threshold, grounds)
    if limit is None:
        return Judged(threshold, "unknown", why=note)
    estimate = estimate_of(threshold, data)
    if estimate is None:
        return Judged(threshold, "unknown", why=f"too few values for {threshold.statistic}")
    if threshold.statistic == "drop":
        base = limit
        drop = Bounds(base - estimate.observed, base - estimate.high, base - estimate.low)
        return _compare(threshold, drop, threshold.limit, None)
    return _compare(threshold, estimate, limit, _needs(threshold, data, limit))


def estimate_of(threshold: Threshold, data: Measured) -> Bounds | None:
    """The threshold's statistic with its bounds."""
    if threshold.kind == "ratio" and threshold.statistic in ("rate", "drop"):
        return bounds.rate_bounds(data.values, data.calls)
    sample = data.sample()
    if threshold.quantile is not None:
        return bounds.quantile_bounds(sample, threshold.quantile)
    if threshold.statistic in ("min", "max"):
        extreme = sample.values.min() if threshold.statistic == "min" else sample.upper.max()
        return Bounds(float(extreme), float(extreme), float(extreme))
    return bounds.mean_bounds(sample)


def breaks(threshold: Threshold, data: Measured, grounds: Grounds) -> bool | None:
    """Whether the estimate itself is over the limit; None when it can not be said."""
    judged = judge_values(threshold, data, grounds)
    if judged.observed is None:
        return None
    limit, _ = _limit(threshold, grounds)
    if limit is None:
        return None
    against = threshold.limit if threshold.statistic == "drop" else limit
    holds = threshold.holds(judged.observed, against)
    return None if holds and judged.at_least and threshold.wants_less else not holds


def at_level(data: Measured, level: Level) -> Measured:
    return data.where(np.isin(data.levels, level.numbers))


def _at_peak(threshold: Threshold, data: Measured, grounds: Grounds, peak: float) -> Judged:
    near = [
        level for level in grounds.levels if abs(level.asked - peak) <= max(1, SAME_LEVEL * peak)
    ]
    if not near:
        return _around_peak(threshold, data, grounds, peak)
    level = min(near, key=lambda each: abs(each.asked - peak))
    rows = at_level(data, level)
    if not len(rows.values):
        return Judged(threshold, "unknown", why=f"no figures at {level.asked:.0f} calls")
    return replace(judge_values(threshold, rows, grounds), judged_at=level.asked)


def _around_peak(threshold: Threshold, data: Measured, grounds: Grounds, peak: float) -> Judged:
    """By the nearest levels: what fails with fewer calls fails at the peak as well, and what holds
    with more calls holds there."""
    below = [(level, "fail") for level in grounds.levels if level.asked < peak][-1:]
    above = [(level, "pass") for level in grounds.levels if level.asked > peak][:1]
    for level, sure in below + above:
        rows = at_level(data, level)
        judged = judge_values(threshold, rows, grounds) if len(rows.values) else None
        if judged is not None and judged.verdict == sure:
            return replace(judged, judged_at=level.asked)
    tested = max(level.asked for level in grounds.levels)
    why = f"no level near the expected peak of {peak:.0f} calls was held (up to {tested:.0f})"
    return Judged(threshold, "unknown", why=why)


def _by_level(threshold: Threshold, data: Measured, grounds: Grounds) -> Judged:
    """Marks the levels that broke.

    The figures shown are of the lowest that broke for certain, else of the lowest that broke, else
    of the highest that held.
    """
    seen = levels_seen(threshold, data, grounds)
    if not seen:
        return replace(judge_values(threshold, data, grounds), decides=False)
    broken_levels = tuple(level.asked for level, _, broken in seen if broken)
    broke = [each for each in seen if each[2]]
    level, judged, _ = next(
        (each for each in broke if each[1].verdict == "fail"), (broke or seen[-1:])[0]
    )
    lowest = broken_levels[0] if broken_levels else inf
    held = [each.asked for each, _, broken in seen if not broken and each.asked < lowest]
    if not broken_levels and level is grounds.levels[-1]:
        why = f"held up to {level.asked:.0f} calls, the highest level"
    elif not broken_levels:
        why = f"held up to {level.asked:.0f} calls; with more it can not be told"
    elif held:
        why = f"held up to {max(held):.0f} calls, broken from {lowest:.0f}"
    else:
        calls = "1 call" if lowest == 1 else f"{lowest:.0f} calls"
        why = f"broken already at the lowest level, {calls}"
    return replace(
        judged,
        why=why,
        judged_at=level.asked,
        levels_broken=broken_levels,
        needs_calls=None,
        decides=False,
    )


def levels_seen(
    threshold: Threshold, data: Measured, grounds: Grounds, fewest: int = 1
) -> list[tuple[Level, Judged, bool]]:
    """The levels that can tell, lowest first, with what is seen there and whether it breaks.

    An estimate over the limit is no break where a higher level holds: it was the luck of a few
    turns. What is over the limit for certain is one, whatever is seen above.
    """
    seen: list[tuple[Level, Judged, bool]] = []
    for level in grounds.levels:
        rows = at_level(data, level)
        broken = breaks(threshold, rows, grounds) if len(rows.values) >= fewest else None
        if broken is not None:
            seen.append((level, judge_values(threshold, rows, grounds), broken))
    holds_above = False
    for place in reversed(range(len(seen))):
        level, judged, broken = seen[place]
        if broken and holds_above and judged.verdict != "fail":
            seen[place] = (level, judged, False)
        holds_above |= not broken
    return seen


def _unmatched(threshold: Threshold, phases: Sequence[str], levels: Sequence[Level]) -> Judged:
    """A promise for a phase of the method that this run has not is not meant for this run.

    Any other name or level may be a slip of the pen, and would be kept for ever without a word.
    """
    selected = dict(threshold.selector)
    why = f"nothing in this run matches {threshold.name}"
    if selected.get("phase") in PHASES and selected["phase"] not in phases:
        return Judged(threshold, "not_applicable", why=why)
    if "level" in selected and levels:
        why += f"; its levels are {', '.join(f'{each.named:g}' for each in levels)} calls"
    elif "phase" in selected and phases:
        why += f"; its phases are {', '.join(phases)}"
    return Judged(threshold, "unknown", why=why)


def _selected(threshold: Threshold, data: Measured, levels: Sequence[Level]) -> Measured:
    for key, value in threshold.selector:
        if key == "phase":
            data = data.where(data.phases == value)
        elif key == "scenario":
            data = data.where(data.scenarios == value)
        else:
            numbers = [n for each in levels if f"{each.named:g}" == value for n in each.numbers]
            data = data.where(np.isin(data.levels, numbers))
    return data


def _limit(threshold: Threshold, grounds: Grounds) -> tuple[float | None, str | None]:
    """The limit in the metric's own unit; for a drop, the baseline's rate."""
    if not threshold.relative_to_baseline:
        return threshold.limit, None
    base = grounds.baseline.get(threshold.metric)
    if base is None or not len(base.values):
        return None, grounds.no_baseline
    estimate = estimate_of(threshold, base)
    if estimate is None or not isfinite(estimate.observed):
        return None, "the baseline has too few values"
    silent = base.values[base.censored.astype(bool)]
    if threshold.quantile is not None and len(silent) and estimate.observed >= silent.min():
        return None, "the baseline's own turns had no answer"
    return estimate.observed * (1.0 if threshold.statistic == "drop" else threshold.limit), None


def _compare(
    threshold: Threshold, estimate: Bounds, limit: float, needs_calls: int | None
) -> Judged:
    worst, best = estimate.high, estimate.low
    if not threshold.wants_less:
        worst, best = best, worst
    if threshold.holds(worst, limit):
        verdict: Verdict = "pass"
    elif not threshold.holds(best, limit):
        verdict = "fail"
    else:
        verdict = "unknown"
    return Judged(
        threshold,
        verdict,
        observed=estimate.observed if isfinite(estimate.observed) else None,
        at_least=estimate.at_least,
        low=_finite(estimate.low),
        high=_finite(estimate.high),
        needs_calls=needs_calls if verdict == "unknown" else None,
        why="too few calls to decide" if verdict == "unknown" else None,
    )


def _needs(threshold: Threshold, data: Measured, limit: float) -> int | None:
    if threshold.quantile is not None:
        return bounds.calls_to_decide(data.sample(), threshold.quantile, limit)
    if threshold.kind == "ratio" and threshold.statistic == "rate":
        return bounds.calls_to_decide_rate(data.sample(), limit)
    return None


def _finite(value: float) -> float | None:
    return value if -inf < value < inf else None
