"""Cells: the levels of the last half second in steps of 5 ms, and what they say.

The second stage of the detector, all in numpy and without a memory of its own, so that each rule
can be tested on levels written by hand. Levels are dBFS, root mean square against 32 768. Cells are
counted from the newest sample backwards; a rest at the old end belongs to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float32]

CELL_MS: Final = 5
FULL_SCALE: Final = 32_768.0
SILENT_DBFS: Final = -100.0

FLOOR_PERCENTILE: Final = 20
START_OVER_FLOOR_DB: Final = 10.0
START_LEAST_DBFS: Final = -53.0
VOICED_OVER_FLOOR_DB: Final = 5.5
VOICED_LEAST_DBFS: Final = -63.0
START_CELLS: Final = 4  # of START_WINDOW
START_WINDOW: Final = 6
JOINING_CELLS: Final = 4  # a dip shorter than 20 ms does not end the way back to the first sample
FAINT_CELLS: Final = 4  # 20 ms together show what is above the noise by less than one cell can
FAINT_OVER_FLOOR_DB: Final = 2.6
FAINT_FLOOR_DBFS: Final = -60.0  # below it every consonant stands clear of the noise
NEAR_CELLS: Final = 3  # a voiced cell alone is a click, not the end of a voice

# From the 10th to the 90th percentile, white noise in cells of 5 ms spreads over 2 to 4 dB, speech
# over 10 to 30.
EVEN_SPREAD_DB: Final = 6.0

# The first sample of a cell that counts as voiced, against the root mean square a voiced cell has.
SAMPLE_OVER_CELL: Final = 1.5


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a noise floor asks of a voice, in dBFS."""

    floor: float

    @property
    def start(self) -> float:
        """Cells above this begin a voice."""
        return max(self.floor + START_OVER_FLOOR_DB, START_LEAST_DBFS)

    @property
    def voiced(self) -> float:
        """Cells above this belong to one that has begun."""
        return max(self.floor + VOICED_OVER_FLOOR_DB, VOICED_LEAST_DBFS)

    @property
    def sample(self) -> float:
        """Samples of at least this magnitude, on the 16 bit scale, are a voice's own."""
        return amplitude(self.voiced) * SAMPLE_OVER_CELL


def amplitude(dbfs: float) -> float:
    """The root mean square, on the 16 bit scale, of a level."""
    return float(FULL_SCALE * 10 ** (dbfs / 20))


def levels(samples: NDArray[np.int16], cell: int) -> Levels:
    """Levels of the whole cells of ``cell`` samples in ``samples``, oldest first."""
    n_cells = len(samples) // cell
    cells = samples[len(samples) - n_cells * cell :].astype(np.float32).reshape(n_cells, cell)
    power = np.einsum("ij,ij->i", cells, cells)
    power *= 1.0 / (cell * FULL_SCALE**2)
    power += np.float32(1e-10)
    np.log10(power, out=power)
    power *= 10.0
    return np.asarray(power, dtype=np.float32)


def loudest_dbfs(samples: NDArray[np.int16], cell: int) -> float:
    """The highest of ``levels``, at half their cost."""
    cells = samples[len(samples) % cell :].astype(np.float32).reshape(-1, cell)
    power = float(np.einsum("ij,ij->i", cells, cells).max())
    return 10.0 * log10(power / (cell * FULL_SCALE**2) + 1e-10)


def floor_dbfs(heard: Levels, silent_cells: int = 0) -> float:
    """The noise floor: the 20th percentile of ``heard`` and so many cells of silence before it."""
    rank = (len(heard) + silent_cells) * FLOOR_PERCENTILE // 100 - silent_cells
    if rank < 0:
        return SILENT_DBFS
    return float(np.partition(heard, rank)[rank])


def find_start(heard: Levels, thresholds: Thresholds, newest: int) -> int | None:
    """The first voiced cell of a voice that shows within the ``newest`` cells; None without."""
    first_window = max(0, len(heard) - newest)
    above = heard[first_window:] > thresholds.start
    if np.count_nonzero(above) < START_CELLS:
        return None
    counts = np.convolve(above, np.ones(START_WINDOW, dtype=np.int8))[: len(above)]
    ends = np.flatnonzero(counts >= START_CELLS)
    if not len(ends):
        return None
    window = max(0, int(ends[0]) - START_WINDOW + 1)
    first = first_window + window + int(np.argmax(above[window:]))
    voiced = (heard[: first + 1] > thresholds.voiced).tolist()
    earlier = first - 1
    while earlier >= 0 and first - earlier <= JOINING_CELLS:
        if voiced[earlier]:
            first = earlier
        earlier -= 1
    return _faint_start(heard[:first], thresholds)


def _faint_start(before: Levels, thresholds: Thresholds) -> int:
    """The first cell of a consonant hardly above the noise that leads up to the end of ``before``.

    Without this a start with th, h or f is dated up to 60 ms late at a ratio of 20 dB.
    """
    first = len(before)
    if first < FAINT_CELLS or thresholds.floor < FAINT_FLOOR_DBFS:
        return first
    power = np.convolve(10 ** (before / 10), np.full(FAINT_CELLS, 1 / FAINT_CELLS), mode="valid")
    least = 10 ** ((thresholds.floor + FAINT_OVER_FLOOR_DB) / 10)
    if power[-1] <= least:
        return first
    noise_only = np.flatnonzero(power <= least)
    return int(noise_only[-1]) + 1 if len(noise_only) else 0


def find_end(heard: Levels, thresholds: Thresholds) -> int | None:
    """The last voiced cell that is not alone; None when nothing is voiced."""
    voiced = np.flatnonzero(heard > thresholds.voiced)
    if len(voiced) < 2:
        return None
    near = np.flatnonzero(voiced[1:] - voiced[:-1] <= NEAR_CELLS)
    return int(voiced[near[-1] + 1]) if len(near) else None


def is_even(heard: Levels) -> bool:
    """Whether these cells are as alike as those of steady noise."""
    if not len(heard):
        return True
    low, high = len(heard) // 10, len(heard) - 1 - len(heard) // 10
    ordered = np.partition(heard, (low, high))  # np.percentile takes five times as long
    return bool(ordered[high] - ordered[low] < EVEN_SPREAD_DB)
