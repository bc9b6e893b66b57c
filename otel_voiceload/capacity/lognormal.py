"""A lognormal length of time, told by the two figures that people measure: median and p95.

Latencies of speech and language services are skewed to the right; a lognormal through these two
points is the usual fit, and it can be drawn from a single uniform number, which lets a draw be a
hash of its name instead of a position in a stream.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

_STANDARD: Final = NormalDist()
_Z95: Final = _STANDARD.inv_cdf(0.95)


def standard_normal(share: float) -> float:
    """The value that ``share`` of a standard normal's draws stay under."""
    return _STANDARD.inv_cdf(share)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Seconds; ``p95_s`` equal to the median means no spread at all."""

    median_s: float
    p95_s: float

    def problems(self) -> list[str]:
        found = []
        if not 0 < self.median_s < math.inf:
            found.append(f"median {self.median_s} s must be more than zero")
        if not self.median_s <= self.p95_s < math.inf:
            found.append(f"p95 {self.p95_s} s must be at least the median {self.median_s} s")
        return found

    @property
    def sigma(self) -> float:
        return math.log(self.p95_s / self.median_s) / _Z95

    @property
    def mean_s(self) -> float:
        return self.median_s * math.exp(self.sigma**2 / 2)

    def quantile(self, share: float) -> float:
        """The length that ``share`` (over 0, under 1) of all draws stay under."""
        return self.median_s * math.exp(self.sigma * standard_normal(share))

    def draw(self, rng: random.Random) -> float:
        # random() may give 0.0, which has no quantile.
        return self.quantile(max(rng.random(), 1e-12))
