"""Mu-law against the values of ITU-T G.711."""

from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.audio.encoding import MULAW_8K, PCM16_16K
from otel_voiceload.audio.g711 import SILENCE, decode, decode_mulaw, encode, encode_mulaw


@pytest.mark.parametrize(
    ("code", "sample"),
    [(0xFF, 0), (0x7F, 0), (0xFE, 8), (0x7E, -8), (0x80, 32_124), (0x00, -32_124), (0xEF, 132)],
)
def test_a_code_stands_for_its_sample(code: int, sample: int) -> None:
    assert decode_mulaw(bytes([code])).tolist() == [sample]


def test_every_code_comes_back_but_negative_zero() -> None:
    codes = bytes(range(256))
    expected = codes.replace(b"\x7f", SILENCE)
    assert encode_mulaw(decode_mulaw(codes)) == expected


def test_no_sample_moves_by_more_than_half_its_step() -> None:
    samples = np.arange(-32_635, 32_636).astype(np.int16)
    moved = np.abs(decode_mulaw(encode_mulaw(samples)).astype(int) - samples)
    # A segment's step is a sixteenth of its lower end, which the bias of 132 moves up.
    step = 2 ** (np.floor(np.log2(np.abs(samples.astype(int)) + 132)) - 4)
    assert (moved <= step / 2).all()


def test_the_loudest_samples_are_clipped_and_not_wrapped() -> None:
    loudest = np.array([-32_768, 32_767], dtype=np.int16)
    assert decode_mulaw(encode_mulaw(loudest)).tolist() == [-32_124, 32_124]


def test_both_encodings_go_through_one_door() -> None:
    samples = np.array([0, 132, -132], dtype=np.int16)
    assert decode(encode(samples, PCM16_16K), PCM16_16K).tolist() == [0, 132, -132]
    assert decode(encode(samples, MULAW_8K), MULAW_8K).tolist() == [0, 132, -132]
    assert decode(b"\x01\x00\x02", PCM16_16K).tolist() == [1]
