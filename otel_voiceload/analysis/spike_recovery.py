"""Until when a spike was felt, and how sure that is: the interval beside ``spike_recovery``.

The time itself is that of the query: blocks after the spike, until two in a row have a p95 within a
quarter of what it was before. A p95 of a few turns jumps about, so calls are drawn again with
replacement, before and after the spike, and the same rule is asked each time. A block cannot be
cut, so the interval reaches one block further on either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

ALLOWED: Final = 1.25  # as in queries/spike_recovery.sql
QUANTILE: Final = 0.95
ROUNDS: Final = 200
LEAST_CALLS: Final = 2

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class After:
    """The turns around one spike; ``since_s`` counts from its end and is negative before it."""

    since_s: Floats
    latency_s: Floats
    call: Ints
    block_s: float
    watched_s: float


def interval(after: After, seed: int = 1) -> tuple[float, float | None] | None:
    """The 95 % interval in seconds; no upper end: in more than 2.5 % it was not over in time.

    None when there is too little on either side to say anything.
    """
    before = after.since_s < 0
    calls, who = np.unique(after.call, return_inverse=True)
    if len(set(who[before])) < LEAST_CALLS or len(set(who[~before])) < LEAST_CALLS:
        return None
    rng = np.random.default_rng(seed)
    weights = rng.poisson(1.0, size=(len(calls), ROUNDS)).astype(np.float64)
    usual_s = _quantiles(after.latency_s[before], weights[who[before]])
    block = np.floor(after.since_s / after.block_s).astype(np.int64)
    blocks = np.unique(block[~before])
    tails = np.stack(
        [_quantiles(after.latency_s[block == b], weights[who[block == b]]) for b in blocks]
    )
    back = tails <= ALLOWED * usual_s
    # The one after the last block is not known, and a block without turns says nothing against it.
    silent = np.isnan(tails)
    stays = np.vstack([back[1:] | silent[1:], np.ones((1, ROUNDS), dtype=bool)])
    over = back & stays
    found = np.where(over.any(axis=0), blocks[over.argmax(axis=0)] * after.block_s, np.inf)
    low, high = np.quantile(found, [0.025, 0.975], method="inverted_cdf")
    if not np.isfinite(low):
        return after.watched_s, None
    wide_low = max(0.0, float(low) - after.block_s)
    return wide_low, float(high) + after.block_s if np.isfinite(high) else None


def _quantiles(values: Floats, weights: Floats) -> Floats:
    """Of one set of turns under every draw (turns x rounds); NaN where a draw left none."""
    order = np.argsort(values)
    cumulated = np.cumsum(weights[order], axis=0)
    total = cumulated[-1]
    reached = cumulated >= QUANTILE * np.where(total > 0, total, 1.0)
    found: Floats = values[order][reached.argmax(axis=0)]
    return np.where(total > 0, found, np.nan)
