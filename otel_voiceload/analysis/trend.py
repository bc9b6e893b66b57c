"""Where a figure of many runs took a step: the order of the runs against all other orders.

No noise is assumed and none is fitted. If the runs in another order show as great a step about as
often, the order says nothing; only a step that shuffled orders hardly ever show is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

LEAST_RUNS: Final = 10  # with fewer, chance alone makes the greatest step too often
LEAST_SIDE: Final = 3
BY_CHANCE: Final = 0.02
_ORDERS: Final = 1000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Step:
    """``at`` is the place of the first run after it; medians of what lies on either side."""

    at: int
    before: float
    after: float


def find_step(values: Sequence[float], seed: int = 1) -> Step | None:
    """The step that splits the runs best, with the medians of both sides; None without one."""
    if len(values) < LEAST_RUNS:
        return None
    series = np.array(values, dtype=float)
    explained = _explained(series[None, :])[0]
    chance = np.random.default_rng(seed)
    orders = np.array([chance.permutation(series) for _ in range(_ORDERS)])
    place = int(np.argmax(explained))
    best = float(explained[place])
    if best <= 0 or float((_explained(orders).max(axis=1) >= best).mean()) > BY_CHANCE:
        return None
    at = place + LEAST_SIDE
    return Step(at, float(np.median(series[:at])), float(np.median(series[at:])))


def _explained(orders: Floats) -> Floats:
    """Of each row, the sum of squares that a step at each place explains; enough on both sides."""
    count = orders.shape[1]
    before = np.arange(LEAST_SIDE, count - LEAST_SIDE + 1)
    sums = np.cumsum(orders - orders.mean(axis=1, keepdims=True), axis=1)[:, before - 1]
    return np.asarray(sums**2 * count / (before * (count - before)))
