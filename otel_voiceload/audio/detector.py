"""Where a voice starts and ends in a stream, for thousands of streams a core.

Two stages. Each 20 ms frame passes a gate that only counts its loud samples, by ``bytes.translate``
with a table of the quiet codes: about a microsecond. When the gate finds something to look at, the
last half second is cut into cells of 5 ms (``cells``) and judged against its own noise floor, and
the start is dated back to the first voiced sample. While a voice goes on, the gate says so with a
look at the cells every 300 ms; where exactly it ended is worked out after the silence that ends it.

Hiss that begins abruptly out of silence is loud against the floor too. It is told from a voice by
its evenness, and becomes the floor.

Measured against the 280 clips of the pack, whose speech positions are known to the sample, in both
encodings; tests/audio/test_detector.py holds it to this (ms, 5th percentile .. 95th, extremes):

    white noise      start                       end
    clean            -5 .. 0    (-10 .. 1)       -1 .. +5
    30 dB            -5 .. +5   (-20 .. +90)    -40 .. +5
    20 dB           -10 .. +40  (-20 .. +95)   -140 .. +5

What is found late begins with a consonant (th, h, f) that lies below the noise. Every Onset carries
the bound for what was heard: ``BOUNDS_MS``. Below 10 dB, and with other people talking in the
background, no detector of loudness is to be trusted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_voiceload.audio import cells
from otel_voiceload.audio.cells import Levels, Thresholds
from otel_voiceload.audio.encoding import FRAME_MS, FRAME_NS, NS_PER_S, Encoding
from otel_voiceload.audio.g711 import DECODE, SILENCE, decode

MEMORY_MS: Final = 500  # what the floor is taken from, at least
START_SEARCH_CELLS: Final = FRAME_MS // cells.CELL_MS + cells.START_WINDOW

# A sound this loud is a voice whatever it is like: test agents speak in beeps. A fainter one is not
# believed to be one as long as it stays even, and after this long it is taken for noise.
CERTAIN_DBFS: Final = -26.0
EVEN_CELLS: Final = 60
# So is an even stretch at the start of something louder, and one in a voice far below its loudest.
EVEN_LEAD_CELLS: Final = 20
EVEN_BELOW_PEAK_DB: Final = 12.0
REVIEW_NS: Final = EVEN_CELLS * cells.CELL_MS * 1_000_000

GATE_STEP: Final = 256  # all that the gate sees of a PCM16 sample is its high byte
GATE_OVER_FLOOR_DB: Final = 13.0  # the peaks of anything that rises 10 dB above the floor
GATE_COUNT: Final = 3  # loud samples in a frame; the chance peaks of even noise are fewer

FLOOR_CLAMP_DBFS: Final = -75.0  # digital silence has no noise to hold a voice against

# (dB over the noise, milliseconds): by how much a start may be misdated in 95 of 100 cases.
BOUNDS_MS: Final = ((35.0, 5.0), (30.0, 10.0), (25.0, 30.0), (10.0, 65.0))
WORST_BOUND_MS: Final = 150.0

NEVER_NS: Final = -(1 << 62)
JOIN_NS: Final = 1_000_000  # a smaller jump is the rounding of whoever keeps the playout clock


@dataclass(frozen=True, slots=True)
class Onset:
    """A voice began. ``at_ns`` is its first voiced sample, on the clock of ``start_ns``."""

    at_ns: int
    snr_db: float  # of what was heard of it when it was found
    error_bound_ms: float


@dataclass(frozen=True, slots=True)
class Offset:
    """The voice ended: ``at_ns`` is the end of its last voiced sample, ``release_s`` ago."""

    at_ns: int


Event = Onset | Offset


def error_bound_ms(snr_db: float) -> float:
    """How far a start may be misdated at that ratio of voice to noise."""
    return next((bound for least, bound in BOUNDS_MS if snr_db >= least), WORST_BOUND_MS)


@lru_cache(maxsize=256)
def _quiet_codes(wide: bool, step: int) -> bytes:
    """The bytes that stand for magnitudes below ``step * GATE_STEP``."""
    if wide:  # high bytes, those of negative samples at the upper end
        return bytes(range(step)) + bytes(range(256 - step, 256))
    return np.flatnonzero(np.abs(DECODE.astype(int)) < step * GATE_STEP).astype(np.uint8).tobytes()


class VoiceDetector:
    """Hears one stream, given in playout order. Numbers named ``_ns`` share the feeder's clock."""

    def __init__(self, encoding: Encoding, release_s: float = 0.3) -> None:
        """``release_s``: the silence that ends a voice."""
        self.voiced = False  # between an Onset and its Offset
        self._encoding = encoding
        self._wide = encoding.bytes_per_sample == 2
        self._frame_bytes = encoding.frame_bytes
        self._cell = encoding.sample_rate * cells.CELL_MS // 1000
        self._release_ns = round(release_s * NS_PER_S)
        self._memory_ns = max(MEMORY_MS * 1_000_000, self._release_ns + 5 * FRAME_NS)
        self._memory_bytes = self._memory_ns // FRAME_NS * encoding.frame_bytes
        self._memory: deque[bytes] = deque()
        self._held_bytes = 0
        self._silence_before = True  # what preceded the memory was silence, not merely forgotten
        self._end_ns = NEVER_NS  # when the newest sample in memory has played
        self._thresholds = Thresholds(cells.SILENT_DBFS)
        self._peak_dbfs = cells.SILENT_DBFS  # of this voice
        self._gate_step = 0
        self._review_ns = NEVER_NS  # when the floor, or what passes for a voice, is looked at again
        self._quiet = b""
        self._set_floor(cells.SILENT_DBFS)
        self._loud_ns = 0  # start of the newest frame that passed the gate while voiced
        self._last_voiced_ns: int | None = None
        self._dated_ns = NEVER_NS  # the end of the memory in which that was looked for

    @property
    def last_voiced_ns(self) -> int | None:
        """The end of the last voiced sample heard so far; None before there was one."""
        if self.voiced and self._dated_ns != self._end_ns:
            samples, heard = self._listen()
            self._date_end(samples, heard)
        return self._last_voiced_ns

    def feed(self, data: bytes, start_ns: int) -> tuple[Event, ...]:
        """Hear ``data``, of any length, whose first sample plays at ``start_ns``.

        A hole since the last data is silence. Data that should have played before the last ended
        follows it at once. A torn last sample is not heard.
        """
        ahead_ns = start_ns - self._end_ns
        if -JOIN_NS < ahead_ns < JOIN_NS and len(data) == self._frame_bytes:  # nearly always
            return self._hear(data, start_ns, start_ns + FRAME_NS)
        events: tuple[Event, ...] = ()
        if ahead_ns >= JOIN_NS:
            events = self.silence(start_ns)
        elif ahead_ns <= -JOIN_NS:
            start_ns = self._end_ns
        if len(data) == self._frame_bytes:
            heard = self._hear(data, start_ns, start_ns + FRAME_NS)
            return events + heard if events else heard
        whole = len(data) - len(data) % self._encoding.bytes_per_sample
        for first in range(0, whole, self._frame_bytes):
            frame = data[first : min(first + self._frame_bytes, whole)]
            end_ns = start_ns + self._encoding.duration_ns(len(frame))
            events += self._hear(frame, start_ns, end_ns)
            start_ns = end_ns
        return events

    def silence(self, until_ns: int) -> tuple[Event, ...]:
        """Know that nothing plays until ``until_ns`` but what was fed."""
        end_ns = self._end_ns
        events: tuple[Event, ...] = ()
        if until_ns - end_ns >= self._memory_ns:
            if self.voiced:  # a part of it is enough to end the voice
                events = self.silence(end_ns + self._memory_ns - FRAME_NS)
            self._memory.clear()
            self._held_bytes = 0
            self._silence_before = True
            self._end_ns = until_ns
            self._set_floor(cells.SILENT_DBFS)
            return events
        n_samples = (until_ns - end_ns) * self._encoding.sample_rate // NS_PER_S
        if n_samples > 0:
            nothing = b"\0\0" if self._wide else SILENCE
            events = self.feed(nothing * n_samples, end_ns)
            self._end_ns = until_ns
        return events

    # --- first stage: a frame and its loud samples ------------------------------------------------

    def _hear(self, frame: bytes, start_ns: int, end_ns: int) -> tuple[Event, ...]:
        memory = self._memory
        memory.append(frame)
        held = self._held_bytes + len(frame)
        while held - len(memory[0]) >= self._memory_bytes:
            held -= len(memory.popleft())
        self._held_bytes = held
        self._end_ns = end_ns
        seen = frame[1::2] if self._wide else frame
        loud = len(seen.translate(None, self._quiet)) >= GATE_COUNT
        if self.voiced:
            if loud:
                self._loud_ns = start_ns
            if end_ns >= self._review_ns:
                return self._review_voice()
            return () if end_ns - self._loud_ns < self._release_ns else self._try_end()
        if loud:
            return self._try_start()
        if self._gate_step > 1 and end_ns >= self._review_ns:
            self._review_floor()
        return ()

    def _set_floor(self, floor_dbfs: float) -> None:
        """Judge against this floor, and open the gate for what may be a start above it."""
        self._review_ns = self._end_ns + REVIEW_NS
        self._thresholds = Thresholds(floor_dbfs)
        step = min(max(1, ceil(cells.amplitude(floor_dbfs + GATE_OVER_FLOOR_DB) / GATE_STEP)), 127)
        if step != self._gate_step:
            self._gate_step = step
            self._quiet = _quiet_codes(self._wide, step)

    # --- second stage: cells ----------------------------------------------------------------------

    def _listen(self) -> tuple[NDArray[np.int16], Levels]:
        """The whole cells in memory: their samples and their levels."""
        samples = decode(b"".join(self._memory), self._encoding)
        samples = samples[len(samples) % self._cell :]
        return samples, cells.levels(samples, self._cell)

    def _newest(self, n_cells: int) -> NDArray[np.int16]:
        """The samples of at most so many cells, the newest ones in memory."""
        wanted = n_cells * self._cell * self._encoding.bytes_per_sample
        frames: list[bytes] = []
        held = 0
        for frame in reversed(self._memory):
            frames.append(frame)
            held += len(frame)
            if held >= wanted:
                break
        frames.reverse()
        return decode(b"".join(frames)[-wanted:], self._encoding)

    def _floor(self, heard: Levels) -> float:
        wanted = self._memory_ns // (cells.CELL_MS * 1_000_000)
        missing = max(0, wanted - len(heard)) if self._silence_before else 0
        return cells.floor_dbfs(heard, missing)

    def _review_floor(self) -> None:
        _, heard = self._listen()
        self._set_floor(self._floor(heard))

    def _try_start(self) -> tuple[Event, ...]:
        samples, heard = self._listen()
        if not len(heard):
            return ()
        self._set_floor(self._floor(heard))
        first = cells.find_start(heard, self._thresholds, START_SEARCH_CELLS)
        if first is None:
            return ()
        if heard[first:].max() < CERTAIN_DBFS and cells.is_even(heard[first + 1 :]):
            if len(heard) - first > EVEN_CELLS:
                self._keep(len(samples) - first * self._cell)
                self._review_floor()
            return ()
        lead = heard[first + 1 : -START_SEARCH_CELLS]
        if len(lead) >= EVEN_LEAD_CELLS and cells.is_even(lead):
            self._set_floor(float(np.median(lead)))
            first = cells.find_start(heard, self._thresholds, START_SEARCH_CELLS)
            if first is None:
                return ()
        peak = float(heard[first:].max())
        snr_db = peak - max(self._thresholds.floor, FLOOR_CLAMP_DBFS)
        begin = first * self._cell
        within = np.abs(samples[begin : begin + self._cell].astype(np.int32))
        begin += int(np.argmax(within >= self._thresholds.sample))
        self.voiced = True
        self._peak_dbfs = peak
        self._loud_ns = self._end_ns
        self._date_end(samples, heard)
        onset_ns = self._instant(len(samples) - begin)
        return (Onset(onset_ns, snr_db, error_bound_ms(snr_db)),)

    def _try_end(self) -> tuple[Event, ...]:
        samples, heard = self._listen()
        last_ns = self._date_end(samples, heard)
        quiet_ns = self._end_ns - last_ns
        if quiet_ns < self._release_ns:
            self._loud_ns = last_ns
            return ()
        self.voiced = False
        self._keep(quiet_ns * self._encoding.sample_rate // NS_PER_S)
        self._review_floor()
        return (Offset(last_ns),)

    def _review_voice(self) -> tuple[Event, ...]:
        """See whether what passes the gate is still the voice, or noise that came with it."""
        self._review_ns = self._end_ns + REVIEW_NS
        loudest = cells.loudest_dbfs(self._newest(EVEN_CELLS), self._cell)
        self._peak_dbfs = max(self._peak_dbfs, loudest)
        if loudest >= self._peak_dbfs - EVEN_BELOW_PEAK_DB:
            return ()
        _, heard = self._listen()
        newest = heard[-EVEN_CELLS:]
        if cells.is_even(newest):
            self._set_floor(float(np.median(newest)))
        return self._try_end()

    def _keep(self, newest: int) -> None:
        """Forget all but the ``newest`` samples: they alone tell the floor from now on."""
        n_bytes = min(newest * self._encoding.bytes_per_sample, self._held_bytes)
        kept = b"".join(self._memory)[self._held_bytes - n_bytes :]
        self._memory.clear()
        self._memory.append(kept)
        self._held_bytes = n_bytes
        self._silence_before = False

    def _date_end(self, samples: NDArray[np.int16], heard: Levels) -> int:
        """Look for the last voiced sample in memory, and return the end of it."""
        last = cells.find_end(heard, self._thresholds)
        if last is not None or self._last_voiced_ns is None:
            end = len(samples) if last is None else (last + 1) * self._cell
            within = np.abs(samples[end - self._cell : end].astype(np.int32))
            end -= int(np.argmax(within[::-1] >= self._thresholds.sample))
            self._last_voiced_ns = self._instant(len(samples) - end)
        self._dated_ns = self._end_ns
        return self._last_voiced_ns

    def _instant(self, samples_ago: int) -> int:
        """When that many samples before the end of the memory had played."""
        return self._end_ns - self._encoding.sample_ns(samples_ago)
