"""The encoding of a stream of mono sound: how many bytes make a second of it.

Everything that is sent or heard moves in frames of 20 ms, the packet length of telephony, and every
latency is counted in samples of one of these encodings. They are values and not an enum, since a
wire may bring one of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FRAME_MS: Final = 20
FRAME_NS: Final = 20_000_000
NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Encoding:
    """One mono encoding with a constant number of bytes per sample."""

    name: str
    sample_rate: int  # samples per second
    bytes_per_sample: int

    @property
    def frame_samples(self) -> int:
        """Samples in one 20 ms frame."""
        return self.sample_rate * FRAME_MS // 1000

    @property
    def frame_bytes(self) -> int:
        """Bytes in one 20 ms frame."""
        return self.frame_samples * self.bytes_per_sample

    def samples(self, n_bytes: int) -> int:
        """Whole samples in ``n_bytes``; a torn last sample does not count."""
        return n_bytes // self.bytes_per_sample

    def duration_ns(self, n_bytes: int) -> int:
        """Nanoseconds that ``n_bytes`` play for."""
        return n_bytes // self.bytes_per_sample * NS_PER_S // self.sample_rate

    def sample_ns(self, n_samples: int) -> int:
        """Nanoseconds that ``n_samples`` play for."""
        return n_samples * NS_PER_S // self.sample_rate


PCM16_16K: Final = Encoding("pcm16_16k", sample_rate=16_000, bytes_per_sample=2)
MULAW_8K: Final = Encoding("mulaw_8k", sample_rate=8_000, bytes_per_sample=1)
