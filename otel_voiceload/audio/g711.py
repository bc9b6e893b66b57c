"""G.711 mu-law, both ways, by table.

``audioop`` did this until Python 3.13 dropped it. One table of 256 and one of 65 536 entries made
from the formula of ITU-T G.711 are as fast and need no library.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_voiceload.audio.encoding import Encoding

BIAS: Final = 33 * 4  # of the 16 bit scale: makes every segment start at a power of two
CLIP: Final = 32_635  # the loudest magnitude that has a code
SILENCE: Final = b"\xff"  # the code of zero


def _decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)  # codes travel with all their bits turned
    segment = (code >> 4) & 0x07
    step = (code & 0x0F).astype(np.int32)
    magnitude = (((step << 3) + BIAS) << segment.astype(np.int32)) - BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    # Indexed by the sample's 16 bits read as unsigned, so that no offset has to be added.
    sample = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), CLIP) + BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    step = (magnitude >> (segment + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    return np.asarray(~(sign | (segment << 4) | step) & 0xFF, dtype=np.uint8)


DECODE: Final = _decode_table()
ENCODE: Final = _encode_table()


def decode_mulaw(data: bytes) -> NDArray[np.int16]:
    """The samples, on the 16 bit scale, of mu-law ``data``."""
    return DECODE[np.frombuffer(data, dtype=np.uint8)]


def encode_mulaw(samples: NDArray[np.int16]) -> bytes:
    """Mu-law codes of 16 bit ``samples``, one byte each; too loud ones are clipped."""
    return ENCODE[np.ascontiguousarray(samples, dtype=np.int16).view(np.uint16)].tobytes()


def decode(data: bytes, encoding: Encoding) -> NDArray[np.int16]:
    """The 16 bit samples of ``data`` at its own sample rate; a torn last sample is left out."""
    if encoding.bytes_per_sample == 1:
        return decode_mulaw(data)
    return np.frombuffer(data, dtype="<i2", count=len(data) // 2)


def encode(samples: NDArray[np.int16], encoding: Encoding) -> bytes:
    """``samples``, which have the encoding's sample rate already, as bytes of ``encoding``."""
    if encoding.bytes_per_sample == 1:
        return encode_mulaw(samples)
    return samples.astype("<i2").tobytes()
