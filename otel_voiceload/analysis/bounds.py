"""Bounds on percentiles and rates when turns come in calls and some were never answered.

Turns of one call resemble each other, so a thousand turns of fifty calls say less than a thousand
calls would. The design effect measured on the calls shrinks the sample to the number of independent
turns it is worth; ranks from the binomial law then bound a percentile without any assumption on its
shape. A turn without an answer ranks above all others, and its value is at least its deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil, exp, floor, inf, lgamma, log, sqrt

import numpy as np

from otel_voiceload.analysis.levels import Floats

ONE_SIDED = 0.95
_Z = 1.6448536269514722  # of ONE_SIDED
_EXACT_UP_TO = 5_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Values with the call each comes from; ``upper`` is infinite where only a minimum is known."""

    values: Floats  # what is known to be reached: the deadline of an unanswered turn
    upper: Floats
    calls: Floats  # any number that is equal for the turns of one call

    @property
    def size(self) -> int:
        return len(self.values)

    def count_calls(self) -> int:
        return len(np.unique(self.calls))


@dataclass(frozen=True, slots=True)
class Bounds:
    """An estimate with one-sided 95 % bounds on either side; infinite where nothing bounds it."""

    observed: float
    low: float
    high: float
    at_least: bool = False  # the estimate lies among values of which only a minimum is known


def sample(values: Floats, calls: Floats, censored: Floats | None = None) -> Sample:
    upper = values.astype(float)
    if censored is not None:
        upper = np.where(censored.astype(bool), inf, upper)
    return Sample(values.astype(float), upper, calls)


def quantile_bounds(data: Sample, share: float) -> Bounds | None:
    """Bounds of the quantile at ``share``; None without values."""
    if not data.size:
        return None
    low_first, high_first = np.sort(data.values), np.sort(data.upper)
    observed, at_least = quantile(data, share)
    worth = _worth(data, data.values > observed)
    low_rank, high_rank = rank_bounds(worth, share)
    size = data.size
    low = -inf if low_rank is None else float(low_first[max(0, floor(low_rank / worth * size) - 1)])
    high = inf
    if high_rank is not None:
        high = float(high_first[min(size, ceil(high_rank / worth * size)) - 1])
    return Bounds(observed, min(low, observed), max(high, observed), at_least)


def quantile(data: Sample, share: float) -> tuple[float, bool]:
    """The quantile at ``share``, and whether it is only known to be at least that."""
    place = round(share * (data.size - 1), 9)
    around = np.sort(data.upper)[[floor(place), ceil(place)]]
    if np.isinf(around).any():
        return float(np.quantile(data.values, share)), True
    return float(np.interp(place % 1, (0, 1), around)), False


def rate_bounds(hits: Floats, calls: Floats) -> Bounds | None:
    """Wilson bounds of a share; calls that fail together count as less than they are."""
    if not len(hits):
        return None
    data = Sample(hits.astype(float), hits.astype(float), calls)
    rate = float(hits.astype(float).mean())
    low, high = wilson(rate, _worth(data, hits.astype(bool)))
    return Bounds(rate, low, high)


def mean_bounds(data: Sample) -> Bounds | None:
    """Bounds of the mean by the spread between calls; needs two calls to bound anything."""
    if not data.size:
        return None
    mean = float(data.values.mean())
    _, where = np.unique(data.calls, return_inverse=True)
    sums = np.bincount(where, weights=data.values - mean)
    if len(sums) < 2:
        return Bounds(mean, -inf, inf)
    spread = sqrt(float((sums**2).sum()) * len(sums) / (len(sums) - 1)) / data.size
    high = inf if np.isinf(data.upper).any() else mean + _Z * spread
    return Bounds(mean, mean - _Z * spread, high)


def wilson(rate: float, worth: float) -> tuple[float, float]:
    """One-sided 95 % Wilson bounds of a share seen in ``worth`` independent tries."""
    z2 = _Z * _Z
    middle = (rate + z2 / (2 * worth)) / (1 + z2 / worth)
    half = _Z / (1 + z2 / worth) * sqrt(rate * (1 - rate) / worth + z2 / (4 * worth * worth))
    return max(0.0, middle - half), min(1.0, middle + half)


def rank_bounds(worth: float, share: float) -> tuple[int | None, int | None]:
    """Ranks (from 1) of ``worth`` values that bound the quantile; None where none does."""
    size = max(1, floor(worth))
    if size > _EXACT_UP_TO:
        half = _Z * sqrt(size * share * (1 - share))
        return max(1, floor(size * share - half)), min(size, ceil(size * share + half) + 1)
    cumulated = np.cumsum(_binomial(size, share))  # P(at most k of them lie below the quantile)
    high = int(np.searchsorted(cumulated, ONE_SIDED)) + 1
    low = int(np.searchsorted(cumulated, 1 - ONE_SIDED, side="right"))
    return (low if low >= 1 else None), (high if high <= size else None)


def least_to_bound(share: float) -> int:
    """How many independent values bound the quantile from above: 59 for p95, 299 for p99.

    Fewer can never show that a limit on it holds, however good they all are.
    """
    return ceil(log(1 - ONE_SIDED) / log(share))


def least_to_bound_rate(limit: float) -> int:
    """How many independent tries show that a share lies above ``limit`` when all of them hit."""
    return floor(_Z * _Z * limit / (1 - limit)) + 1 if limit < 1 else 0


def calls_to_decide(data: Sample, share: float, limit: float) -> int | None:
    """How many more calls would decide ``quantile(share)`` against ``limit`` if all stays as seen.

    None when even a thousand times as many would not: the estimate sits on the limit.
    """
    below = float((data.upper < limit).mean())
    worth = _worth(data, data.upper >= limit)
    calls = data.count_calls()
    for step in range(1, 61):
        factor = 1.12**step
        low, high = rank_bounds(worth * factor, share)
        size = floor(worth * factor)
        if (high is not None and high / size <= below) or (low is not None and low / size > below):
            return max(1, ceil(calls * (factor - 1)))
    return None


def calls_to_decide_rate(data: Sample, limit: float) -> int | None:
    """As ``calls_to_decide``, for a share of hits."""
    rate = float(data.values.mean())
    worth = _worth(data, data.values > 0)
    calls = data.count_calls()
    for step in range(1, 61):
        factor = 1.12**step
        low, high = wilson(rate, worth * factor)
        if high < limit or low > limit:
            return max(1, ceil(calls * (factor - 1)))
    return None


def _worth(data: Sample, hits: np.typing.NDArray[np.bool_]) -> float:
    """How many independent turns the sample is worth, by the spread of the hits between calls."""
    size = data.size
    _, where = np.unique(data.calls, return_inverse=True)
    turns = np.bincount(where)
    if len(turns) == size:
        return float(size)
    if len(turns) < 2:
        return 1.0
    rate = float(hits.mean())
    if rate in (0.0, 1.0):
        return float(len(turns))  # no spread to see: the calls alone are surely independent
    off = np.bincount(where, weights=hits.astype(float) - rate)
    between = float((off**2).sum()) * len(turns) / (len(turns) - 1)
    effect = between / (size * rate * (1 - rate))
    return size / min(max(1.0, effect), size / len(turns) * 2)


def _binomial(size: int, share: float) -> Floats:
    """The chance of each number of hits; asked for a hundred sizes to say how many calls decide."""
    factorials = _log_factorials()[: size + 1]
    hits = np.arange(size + 1)
    ways = factorials[size] - factorials - factorials[::-1]
    logs = ways + hits * log(share) + (size - hits) * log(1 - share)
    # One by one: numpy's own differs in the last digit, and one value against p95 is a tie.
    return np.array([exp(each) for each in logs.tolist()])


@cache
def _log_factorials() -> Floats:
    return np.array([lgamma(n + 1) for n in range(_EXACT_UP_TO + 1)])
