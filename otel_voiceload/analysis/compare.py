"""Comparing runs: a figure of some runs beside that of others, with an interval on the difference.

Turns of one call resemble each other, so calls are resampled and not turns. And two runs of the
same thing differ by more than their calls tell: with 3 % between runs, resampling calls alone
raises a false alarm in every fifth pair. So repeats decide, by their own spread; one pair shows a
difference and proves none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from otel_voiceload.analysis.bounds import least_to_bound
from otel_voiceload.analysis.levels import Floats

Kind = Literal["seconds", "completion", "errors", "calls"]
Change = Literal["better", "worse", "unclear", "unknown"]
Verdict = Literal["pass", "fail", "unknown"]

REPEATS: Final = 3  # a side, for its own spread to be known
LEAST_CALLS: Final = 10  # fewer say nothing of how calls differ
RESAMPLES: Final = 200
CLEAR_OF_A_PAIR: Final = 0.05  # what a pair has to differ by at least to be called different
_LEAST_S: Final = 1e-4
_Z_95: Final = 1.6448536269514722  # one-sided, as all bounds of a report
_Z_995: Final = 2.5758293035489004
_T_95: Final = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
_T_995: Final = (63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169)


@dataclass(frozen=True, slots=True)
class Rows:
    """One figure's rows of a run: a row per turn or call, the call of each, and its level."""

    values: Floats
    calls: npt.NDArray[np.int64]
    levels: npt.NDArray[np.int64]  # any number that is equal for rows of one level
    censored: npt.NDArray[np.bool_]

    def count_calls(self) -> int:
        return len(np.unique(self.calls))


@dataclass(frozen=True, slots=True)
class Observed:
    """One figure of one run. ``spread`` is its standard error, of the logarithm for ``log``."""

    value: float
    spread: float
    log: bool
    at_least: bool = False  # the true value is this or more: nobody waited longer
    at_most: bool = False

    @property
    def scaled(self) -> float:
        return log(max(self.value, _LEAST_S)) if self.log else self.value


@dataclass(frozen=True, slots=True)
class Difference:
    """``change`` is run / base for seconds and calls, run - base for rates; bounds likewise.

    The bounds are one-sided 95 % on either side, infinite where one is open. ``sure`` are those of
    99.5 %: a dozen figures are looked at, and one in ten of them would leave 95 % by chance.
    """

    base: float
    run: float
    change: float
    low: float
    high: float
    sure: tuple[float, float]


def quantiles(rows: Rows, shares: Sequence[float], seed: int) -> list[Observed | None]:
    """Percentiles in which every level counts the same; None where rows are too few for one."""
    if rows.count_calls() < LEAST_CALLS:
        return [None] * len(shares)
    order = np.argsort(rows.values, kind="stable")
    ranked = Rows(rows.values[order], rows.calls[order], rows.levels[order], rows.censored[order])
    whole = _at(ranked, _balanced(ranked, np.ones(len(order))), shares)
    drawn = np.array([_at(ranked, weights, shares) for weights in _resampled(ranked, seed)])
    spreads = np.log(np.maximum(drawn, _LEAST_S)).std(axis=0, ddof=1)
    floor = float(ranked.values[ranked.censored].min()) if ranked.censored.any() else inf
    return [
        Observed(float(value), float(spread), True, at_least=bool(value >= floor))
        if len(order) >= least_to_bound(share)
        else None
        for share, value, spread in zip(shares, whole, spreads, strict=True)
    ]


def rate(rows: Rows, seed: int) -> Observed | None:
    """A share of ones in which every level counts the same."""
    calls = rows.count_calls()
    if calls < LEAST_CALLS:
        return None
    weights = _balanced(rows, np.ones(len(rows.values)))
    value = float(np.average(rows.values, weights=weights))
    drawn = [float(np.average(rows.values, weights=each)) for each in _resampled(rows, seed)]
    # Where all went well resampling sees no spread at all: one more of each says that some is left.
    likely = (value * calls + 1) / (calls + 2)
    least = sqrt(likely * (1 - likely) / calls)
    return Observed(value, max(float(np.std(drawn, ddof=1)), least), False)


def mean(rows: Rows) -> float | None:
    """The mean in which every level counts the same."""
    if not len(rows.values):
        return None
    return float(np.average(rows.values, weights=_balanced(rows, np.ones(len(rows.values)))))


def between(base: Sequence[Observed | None], run: Sequence[Observed | None]) -> Difference | None:
    """The difference of two sides; None when a run of either has no such figure.

    With one run a side the interval knows only of calls; with more the spread between runs counts,
    pooled over both sides, and never less than what the calls say.
    """
    first, second = _known(base), _known(run)
    if not first or not second:
        return None
    is_log = first[0].log
    at_base = float(np.mean([each.scaled for each in first]))
    at_run = float(np.mean([each.scaled for each in second]))
    of_calls = float(np.mean([each.spread**2 for each in (*first, *second)]))
    freedom = len(first) + len(second) - 2
    of_runs = 0.0
    if freedom:
        of_runs = (_squares(first) + _squares(second)) / freedom
    error = sqrt(max(of_runs, of_calls) * (1 / len(first) + 1 / len(second)))
    if of_runs <= of_calls:
        freedom = 0  # the spread is that of many calls
    grown = at_run - at_base
    no_low = any(each.at_least for each in first) or any(each.at_most for each in second)
    no_high = any(each.at_least for each in second) or any(each.at_most for each in first)

    def ends(times: float) -> tuple[float, float]:
        low = -inf if no_low else _plain(grown - times * error, is_log)
        return low, inf if no_high else _plain(grown + times * error, is_log)

    return Difference(
        _plain(at_base, is_log),
        _plain(at_run, is_log),
        _plain(grown, is_log),
        *ends(_t(freedom, _Z_95, _T_95)),
        sure=ends(_t(freedom, _Z_995, _T_995)),
    )


def typical(side: Sequence[Observed | None]) -> float | None:
    """The figure of one side, known or not on the other; None when a run of it has none."""
    known = _known(side)
    if not known:
        return None
    return _plain(float(np.mean([each.scaled for each in known])), known[0].log)


def changed(found: Difference, kind: Kind, repeats: int) -> Change:
    """Whether it surely changed; where repeats are few, by more than a pair differs by itself."""
    low, high = _harm(*found.sure, kind)
    margin = 0.0 if repeats >= REPEATS else CLEAR_OF_A_PAIR
    if low > margin:
        return "worse"
    return "better" if high < -margin else "unclear"


def judged(found: Difference, kind: Kind, tolerated: float) -> Verdict:
    """``tolerated`` is the growth of a latency (1.0 is twice), the loss of calls, or points."""
    low, high = _harm(found.low, found.high, kind)
    if low > tolerated:
        return "fail"
    return "pass" if high <= tolerated else "unknown"


def _harm(low: float, high: float, kind: Kind) -> tuple[float, float]:
    """The bounds turned so that more is worse: growth, points lost, share of calls lost."""
    match kind:
        case "seconds":
            return low - 1, high - 1
        case "errors":
            return low, high
        case "completion":
            return -high, -low
        case "calls":
            return 1 - high, 1 - low


def _known(side: Sequence[Observed | None]) -> list[Observed]:
    known = [each for each in side if each is not None]
    return known if len(known) == len(side) else []


def _squares(side: Sequence[Observed]) -> float:
    values = np.array([each.scaled for each in side])
    return float(((values - values.mean()) ** 2).sum())


def _t(freedom: int, of_many: float, of_few: Sequence[float]) -> float:
    """Student's t; without degrees of freedom the normal law's."""
    if not freedom:
        return of_many
    if freedom <= len(of_few):
        return of_few[freedom - 1]
    return of_many + (of_many**3 + of_many) / (4 * freedom)


def _plain(scaled: float, is_log: bool) -> float:
    return exp(scaled) if is_log else scaled


def _balanced(rows: Rows, weights: Floats) -> Floats:
    """Weights of which every level has as much: a slow run makes fewer turns where it is slow."""
    _, where = np.unique(rows.levels, return_inverse=True)
    totals = np.bincount(where, weights=weights)
    return np.asarray(weights / np.where(totals > 0, totals, 1.0)[where])


def _resampled(rows: Rows, seed: int) -> Iterator[Floats]:
    """Weights of the rows when calls are drawn with replacement, each level's total the same."""
    chance = np.random.default_rng(seed)
    calls, of_call = np.unique(rows.calls, return_inverse=True)
    _, level = np.unique(rows.levels, return_inverse=True)
    for _ in range(RESAMPLES):
        picked = chance.integers(0, len(calls), len(calls))
        weights = np.bincount(picked, minlength=len(calls))[of_call].astype(float)
        totals = np.bincount(level, weights=weights)
        yield weights / np.where(totals > 0, totals, 1.0)[level]


def _at(ranked: Rows, weights: Floats, shares: Sequence[float]) -> Floats:
    reached = np.cumsum(weights)
    places = np.searchsorted(reached, np.array(shares) * reached[-1])
    return np.asarray(ranked.values[np.minimum(places, len(ranked.values) - 1)])
