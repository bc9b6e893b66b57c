"""Change of sample rate: same pitch, same loudness, and no shift in time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from otel_voiceload.audio.resample import resample


def tone(hz: float, rate: int, seconds: float = 0.5) -> NDArray[np.int16]:
    at = np.arange(round(rate * seconds)) / rate
    return np.asarray(np.rint(10_000 * np.sin(2 * np.pi * hz * at)), dtype=np.int16)


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(8_000, 16_000), (16_000, 8_000), (22_050, 8_000), (24_000, 16_000)]
)
def test_a_tone_stays_where_and_what_it_was(from_hz: int, to_hz: int) -> None:
    moved = resample(tone(1000, from_hz), from_hz, to_hz)
    expected = tone(1000, to_hz)
    assert len(moved) == len(expected)
    middle = slice(200, -200)  # the filter needs sound on either side
    assert np.abs(moved[middle].astype(int) - expected[middle]).max() <= 3


def test_what_the_lower_rate_can_not_hold_is_taken_out() -> None:
    folded = resample(tone(6000, 16_000), 16_000, 8_000)
    assert np.abs(folded[200:-200]).max() < 20


def test_a_click_stays_at_its_sample() -> None:
    click = np.zeros(400, dtype=np.int16)
    click[100] = 20_000
    assert int(np.argmax(resample(click, 8_000, 16_000))) == 200


@pytest.mark.parametrize("length", [0, 1, 7])
def test_short_sounds_keep_their_length(length: int) -> None:
    assert len(resample(np.ones(length, dtype=np.int16), 8_000, 16_000)) == 2 * length


def test_the_same_rate_changes_nothing() -> None:
    sound = tone(1000, 8_000)
    assert resample(sound, 8_000, 8_000) is sound
