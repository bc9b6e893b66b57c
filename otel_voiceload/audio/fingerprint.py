"""Which clip was said, recognised from its sound.

The reference agent really listens: it is told nothing about what the caller plays, so muted,
damaged or swapped audio changes what it does, as it would with a recogniser of speech. It knows the
pack, which makes the task small: the energy of an utterance in 16 bands every 20 ms is laid beside
that of every clip of about the same length, shifted by up to 60 ms either way, and the best
correlation counts if it is high enough.

Every caller clip is found, in both encodings, when ``VoiceDetector`` cuts it out; with noise at
20 dB one in 240 is taken for the same words in another voice. tests/audio/test_fingerprint.py holds
it to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from otel_voiceload.audio.clips import Clip, ClipPack, Role
from otel_voiceload.audio.encoding import MULAW_8K, Encoding
from otel_voiceload.audio.g711 import decode

Floats = NDArray[np.float32]

RATE: Final = MULAW_8K.sample_rate
WINDOW: Final = 256  # samples, 32 ms
HOP: Final = 80  # samples, 10 ms; a clip is known by every second one
BANDS: Final = 16
BAND_EDGES_HZ: Final = (150.0, 3600.0)
DEPTH_DB: Final = 30.0  # what lies further below the loudest is noise or silence
LEAST_DBFS: Final = -45.0  # the loudest window of anything that was said

MAX_SHIFT: Final = 6  # hops
# A cut loses faint beginnings and ends in noise, and is hardly ever longer than the clip.
SHORTER_ROWS: Final = 14
LONGER_ROWS: Final = 8
# Larger matrix products wake a second BLAS thread, which then spins for 4 ms on a core that calls
# are paced on.
ONE_THREAD_PRODUCTS: Final = 200_000
LEAST_SCORE: Final = 0.53  # clips in noise score 0.6 and more, other speech at most 0.45


@dataclass(frozen=True, slots=True)
class Match:
    """The clip that was said; ``score`` is the correlation, 1 for the very same sound."""

    clip: Clip
    score: float


def _band_edges() -> NDArray[np.intp]:
    """First bin of each band, equally wide on the mel scale, and the end of the last one."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in BAND_EDGES_HZ)
    hz = 700 * (10 ** (np.linspace(low, high, BANDS + 1) / 2595) - 1)
    return np.rint(hz * WINDOW / RATE).astype(np.intp)


EDGES: Final = _band_edges()
TAPER: Final = np.hanning(WINDOW).astype(np.float32)


def _features(data: bytes, encoding: Encoding) -> Floats | None:
    """Band levels of an utterance, (hops, bands), each band around its mean; None for silence."""
    samples = decode(data, encoding).astype(np.float32) / 32_768
    if encoding.sample_rate == 2 * RATE:
        # Pairs are averaged without a filter: the clips hold nothing above 4 kHz that could fold.
        even = samples[: len(samples) // 2 * 2].reshape(-1, 2)
        samples = (even[:, 0] + even[:, 1]) / 2
    if len(samples) < WINDOW:
        return None
    windows = sliding_window_view(samples, WINDOW)[::HOP] * TAPER
    if (windows**2).mean(axis=1).max() < 10 ** (LEAST_DBFS / 10):
        return None
    spectrum = np.fft.rfft(windows, axis=1)[:, : EDGES[-1]]
    power = np.add.reduceat(spectrum.real**2 + spectrum.imag**2, EDGES[:-1], axis=1)
    level = 10 * np.log10(power + 1e-9)
    level = np.maximum(level, level.max() - DEPTH_DB)
    return np.asarray(level - level.mean(axis=0), dtype=np.float32)


class Fingerprints:
    """What the clips of one role sound like, in the encoding of their pack."""

    def __init__(self, pack: ClipPack, role: Role = "caller") -> None:
        """Learns the clips, in about 0.2 s; make one per process."""
        self._encoding = pack.encoding
        known: list[tuple[Clip, Floats]] = []
        for clip in pack.callers() if role == "caller" else pack.replies():
            start = clip.speech_start_sample * pack.encoding.bytes_per_sample
            end = clip.speech_end_sample * pack.encoding.bytes_per_sample
            levels = _features(clip.data[start:end], pack.encoding)
            if levels is not None:
                known.append((clip, levels[::2]))
        known.sort(key=lambda one: len(one[1]))
        self._clips = [clip for clip, _ in known]
        self._lengths = np.array([len(rows) for _, rows in known])
        longest = int(self._lengths.max(initial=0)) + LONGER_ROWS + MAX_SHIFT
        self._known = np.zeros((len(known), longest, BANDS), dtype=np.float32)
        for number, (_, rows) in enumerate(known):
            self._known[number, : len(rows)] = rows / np.linalg.norm(rows)

    def match(self, data: bytes) -> Match | None:
        """The clip that ``data`` is, cut out to about 60 ms; None when it is none of them."""
        heard = _features(data, self._encoding)
        if heard is None:
            return None
        rows = len(heard) // 2
        first = int(np.searchsorted(self._lengths, rows - LONGER_ROWS))
        end = int(np.searchsorted(self._lengths, rows + SHORTER_ROWS, side="right"))
        if first == end:
            return None
        length = int(self._lengths[end - 1])
        beside = self._shifted(heard, length).T
        block = max(1, ONE_THREAD_PRODUCTS // beside.size)
        scores = np.empty(end - first, dtype=np.float32)
        for start in range(first, end, block):
            known = self._known[start : min(start + block, end), :length]
            products = known.reshape(len(known), -1) @ beside
            scores[start - first : start - first + len(known)] = products.max(axis=1)
        best = int(np.argmax(scores))
        score = float(scores[best])
        return Match(self._clips[first + best], score) if score >= LEAST_SCORE else None

    def _shifted(self, heard: Floats, length: int) -> Floats:
        """``heard`` as it would lie beside a clip if it had been cut that much early or late."""
        shifts = range(-MAX_SHIFT, MAX_SHIFT + 1)
        # float32 throughout: a wide matrix product in float64 takes twice as long.
        hops = 2 * length + len(heard) + 4 * MAX_SHIFT
        padded = np.zeros((hops, BANDS), dtype=np.float32)
        padded[2 * MAX_SHIFT : 2 * MAX_SHIFT + len(heard)] = heard
        beside = np.empty((len(shifts), length, BANDS), dtype=np.float32)
        for number, shift in enumerate(shifts):
            start = 2 * MAX_SHIFT - shift
            beside[number] = padded[start : start + 2 * length : 2]
        flat = beside.reshape(len(shifts), -1)
        norms = np.linalg.norm(flat, axis=1, keepdims=True)
        return np.asarray(flat / np.maximum(norms, 1e-6), dtype=np.float32)
