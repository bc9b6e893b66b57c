from __future__ import annotations

from otel_voiceload.analysis.bandwidth import WIRES, in_json, plain, rtp
from otel_voiceload.audio.encoding import MULAW_8K, PCM16_16K


def test_sound_is_256_kbit_in_each_direction_and_not_32() -> None:
    assert plain(PCM16_16K).audio_kbit_s == 256
    assert 2 * 10_000 * plain(PCM16_16K).audio_kbit_s == 5.12e6  # kbit/s: 5.12 Gbit/s
    assert in_json(MULAW_8K).audio_kbit_s == rtp(MULAW_8K).audio_kbit_s == 64


def test_headers_come_fifty_times_a_second() -> None:
    # 640 bytes of sound, 8 of WebSocket, 52 of TCP and IP.
    assert WIRES["plain"].wire_kbit_s == 700 * 50 * 8 / 1000
    # 160 bytes are 216 in base64, then 110 of JSON.
    assert WIRES["twilio"].wire_kbit_s == (216 + 110 + 60) * 50 * 8 / 1000
    assert WIRES["g711_rtp"].wire_kbit_s == 80
