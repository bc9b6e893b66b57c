"""Frames, samples and durations of both encodings."""

from __future__ import annotations

import pytest

from otel_voiceload.audio.encoding import FRAME_NS, MULAW_8K, PCM16_16K, Encoding


@pytest.mark.parametrize(
    ("encoding", "frame_bytes", "frame_samples"),
    [(PCM16_16K, 640, 320), (MULAW_8K, 160, 160)],
)
def test_a_frame_lasts_20_ms(encoding: Encoding, frame_bytes: int, frame_samples: int) -> None:
    assert encoding.frame_bytes == frame_bytes
    assert encoding.frame_samples == frame_samples
    assert encoding.duration_ns(frame_bytes) == FRAME_NS
    assert encoding.sample_ns(frame_samples) == FRAME_NS


def test_a_torn_last_sample_does_not_count() -> None:
    assert PCM16_16K.samples(641) == 320
    assert PCM16_16K.duration_ns(641) == FRAME_NS
