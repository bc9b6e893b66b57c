"""Change of sample rate by a windowed sinc.

Written in numpy since the good libraries for it are LGPL or bring a whole media stack, and since
here the filter's delay is exactly zero: sample ``k`` at 8 kHz is sample ``2k`` at 16 kHz, so the
speech positions of a clip stay true in every encoding.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

HALF_WIDTH = 16  # zero crossings of the sinc on either side, at the lower of the two rates
ROLL_OFF = 0.94  # of the lower Nyquist frequency: room for the filter's slope
KAISER_BETA = 8.0  # about 80 dB down outside the band


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """One row of taps per output phase, each row with a sum of one."""
    cutoff = ROLL_OFF * min(1.0, up / down)
    half = HALF_WIDTH * ceil(max(1.0, down / up))
    phase = np.arange(up)[:, None] / up
    at = np.arange(-half + 1, half + 1)[None, :] - phase
    taps = np.sinc(at * cutoff) * np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (at / half) ** 2, 0, 1)))
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), dtype=np.float32)


def resample(samples: NDArray[np.int16], from_hz: int, to_hz: int) -> NDArray[np.int16]:
    """``ceil(n * to_hz / from_hz)`` samples at ``to_hz``; the first stays where it was."""
    if from_hz == to_hz:
        return samples
    common = gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    taps = _filters(up, down)
    half = taps.shape[1] // 2
    n_out = ceil(len(samples) * up / down)
    padded = np.zeros(len(samples) + 2 * half, dtype=np.float32)
    padded[half - 1 : half - 1 + len(samples)] = samples
    out = np.empty(n_out, dtype=np.float32)
    for first in range(min(up, n_out)):
        base, phase = divmod(first * down, up)
        row = taps[phase]
        if down == 1:
            heard = np.convolve(padded, row[::-1], mode="valid")[base:]
        else:
            heard = np.ascontiguousarray(sliding_window_view(padded, len(row))[base::down]) @ row
        slots = out[first::up]
        slots[:] = heard[: len(slots)]
    return np.clip(np.rint(out), -32_768, 32_767).astype(np.int16)
