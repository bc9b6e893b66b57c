"""How many bits a call is: the sound alone, and what it takes on the wire.

PCM16 at 16 kHz is 16,000 samples of 16 bits, 256 kbit/s in each direction; often quoted is an
eighth of it, by taking bytes for bits. On the wire each frame of 20 ms is a message of its own, so
headers come fifty times a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from otel_voiceload.audio.encoding import FRAME_MS, MULAW_8K, PCM16_16K, Encoding

_FRAMES_PER_S: Final = 1000 // FRAME_MS
_TCP_BYTES: Final = 52  # IP, TCP and its time stamps
_WS_BYTES: Final = 8  # header and mask
_JSON_BYTES: Final = 110  # what stands around the audio of a JSON message
_RTP_BYTES: Final = 40  # IP, UDP and RTP


@dataclass(frozen=True, slots=True)
class Stream:
    """One direction of one call while it sends. kbit/s: 1,000 bits."""

    encoding: Encoding
    message_bytes: int  # one frame with all of its headers

    @property
    def audio_kbit_s(self) -> float:
        return self.encoding.frame_bytes * _FRAMES_PER_S * 8 / 1000

    @property
    def wire_kbit_s(self) -> float:
        return self.message_bytes * _FRAMES_PER_S * 8 / 1000


def plain(encoding: Encoding = PCM16_16K) -> Stream:
    """Frames as binary WebSocket messages."""
    return Stream(encoding, encoding.frame_bytes + _WS_BYTES + _TCP_BYTES)


def in_json(encoding: Encoding = MULAW_8K) -> Stream:
    """Frames as base64 in JSON, as on Twilio Media Streams."""
    written = ceil(encoding.frame_bytes / 3) * 4 + _JSON_BYTES
    return Stream(encoding, written + _WS_BYTES + _TCP_BYTES)


def rtp(encoding: Encoding = MULAW_8K) -> Stream:
    return Stream(encoding, encoding.frame_bytes + _RTP_BYTES)


WIRES: Final = {"plain": plain(), "twilio": in_json(), "g711_rtp": rtp()}
