"""Drift: what grows slowly while the load stays the same, as memory, descriptors and latency do.

A straight line fitted to all samples sees drift in nearly half of steady runs, because neighbouring
samples of a queue resemble each other. So the hold is cut into a dozen blocks, each block says one
median, and the slope is the median of the slopes between all pairs of blocks (Theil and Sen). A
change of less than a twentieth over the whole hold is called steady even when it is significant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, floor, sqrt
from statistics import median
from typing import Final, Literal

Verdict = Literal["rising", "falling", "steady", "unknown"]

BLOCKS: Final = 12
LEAST_BLOCKS: Final = 8
LEAST_SAMPLES: Final = 5  # of a block: its median stands for it
FLOOR: Final = 0.05  # of the level, over the whole hold
_Z_95: Final = 1.959964  # two-sided
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a hold: when its middle was, the median in it and of how many samples."""

    at_s: float
    value: float
    samples: int


@dataclass(frozen=True, slots=True)
class Drift:
    """``per_hour`` and its 95 % interval are in the metric's unit; ``why`` says what is unknown."""

    metric: str
    unit: str
    verdict: Verdict
    level: float | None = None
    per_hour: float | None = None
    ci: tuple[float, float] | None = None
    exhausted_in_s: float | None = None
    exhausted_at_least_s: float | None = None
    why: str = ""


def find(
    metric: str,
    unit: str,
    blocks: Sequence[Block],
    *,
    limit: float | None = None,
    falls: bool = False,
    least_level: float = 0.0,
) -> Drift:
    """What a metric did over one hold.

    ``limit`` is where it would run out, as the descriptors a process may open, or from above when
    it ``falls`` there, as free disk does; the time until then is counted from the last block, by
    the slope and, at the earliest, by the steeper end of its interval.
    ``least_level`` is the least value of which a twentieth matters: a count that goes from nothing
    to one in an hour has no relative change.
    """
    told = [block for block in blocks if block.samples >= LEAST_SAMPLES]
    if len(told) < LEAST_BLOCKS:
        why = f"{len(told)} of {BLOCKS} blocks have {LEAST_SAMPLES} samples; hold it for longer"
        return Drift(metric, unit, "unknown", why=why)
    slope, low, high = _slope([block.at_s for block in told], [block.value for block in told])
    level = median(block.value for block in told)
    length_s = (told[-1].at_s - told[0].at_s) * len(told) / (len(told) - 1)
    matters = FLOOR * max(abs(level), least_level) / length_s
    verdict: Verdict = "unknown"
    why = ""
    if low > 0 and slope >= matters:
        verdict = "rising"
    elif high < 0 and -slope >= matters:
        verdict = "falling"
    elif (low > 0 or high < 0) or max(abs(low), abs(high)) <= matters:
        verdict = "steady"
    else:
        why = f"a change of {FLOOR:.0%} over the hold can not be ruled out; hold it for longer"
    soonest = expected = None
    if limit is not None and verdict == ("falling" if falls else "rising"):
        left = max(0.0, told[-1].value - limit if falls else limit - told[-1].value)
        expected, soonest = left / abs(slope), left / abs(low if falls else high)
    return Drift(
        metric=metric,
        unit=unit,
        verdict=verdict,
        level=level,
        per_hour=slope * _HOUR_S,
        ci=(low * _HOUR_S, high * _HOUR_S),
        exhausted_in_s=expected,
        exhausted_at_least_s=soonest,
        why=why,
    )


def _slope(at_s: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Median of all pairs' slopes, and the pairs between which it lies with 95 % (Sen, 1968)."""
    slopes = sorted(
        (values[later] - values[early]) / (at_s[later] - at_s[early])
        for early, later in combinations(range(len(values)), 2)
    )
    count, pairs = len(values), len(slopes)
    # The spread of Kendall's count of rising pairs, were there no trend at all.
    spread = _Z_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    lowest = max(0, floor((pairs - spread) / 2) - 1)
    highest = min(pairs - 1, ceil((pairs + spread) / 2))
    return median(slopes), slopes[lowest], slopes[highest]
