"""How many of many independent callers meet: the mean is not what has to be granted.

Callers do not take turns in step, so at some moments more of them need the same thing than on
average. A grant of the mean would be short half of the time; what is enough for nearly all of it
follows from the binomial law (so many callers, each at work for a share of the time) and, for what
begins within a minute, from the Poisson law. Real turns come a little more evenly than the latter
has it, so that it errs to the safe side.
"""

from __future__ import annotations

from math import ceil, exp, floor, lgamma, log, log1p, sqrt
from typing import Final

_SIGMAS: Final = 12  # beyond this on either side nothing is left to add up


def at_once(callers: int, share: float, enough: float) -> int:
    """The least number that is not exceeded for ``enough`` of the time."""
    if share <= 0 or callers <= 0:
        return 0
    if share >= 1:
        return ceil(callers * share)  # held all along, by one request or several

    def log_weight(k: int) -> float:
        chosen = lgamma(callers + 1) - lgamma(k + 1) - lgamma(callers - k + 1)
        return chosen + k * log(share) + (callers - k) * log1p(-share)

    mean = callers * share
    start = max(0, floor(mean - _SIGMAS * sqrt(mean * (1 - share)) - 1))
    weight, total, k = exp(log_weight(start)), 0.0, start
    while k < callers:
        total += weight
        if total >= enough:
            return k
        weight *= (callers - k) / (k + 1) * share / (1 - share)
        k += 1
    return callers


def within(mean: float, enough: float) -> int:
    """The least count that as many of all minutes do not exceed, where ``mean`` begin in one."""
    if mean <= 0:
        return 0
    spread = sqrt(mean)
    k = max(0, floor(mean - _SIGMAS * spread - 1))
    weight, total = exp(k * log(mean) - mean - lgamma(k + 1)), 0.0
    while k < mean + _SIGMAS * spread + 20:
        total += weight
        if total >= enough:
            break
        k += 1
        weight *= mean / k
    return k
