"""What the clip builder does to the sound that espeak-ng gives it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools import build_clips

RATE = build_clips.RATE


def speech(seconds: float, peak: float = 0.5) -> NDArray[np.float64]:
    return peak * np.sin(2 * np.pi * 500 * np.arange(round(RATE * seconds)) / RATE + 1.0)


def silence(seconds: float) -> NDArray[np.float64]:
    return np.zeros(round(RATE * seconds))


def test_what_is_40_db_below_the_peak_is_no_speech() -> None:
    sound = np.concatenate([silence(0.1), speech(0.1, 0.004), speech(0.2), silence(0.1)])
    assert len(build_clips.trim(sound)) == round(0.2 * RATE)


def test_a_long_pause_is_shortened_in_its_middle() -> None:
    sound = np.concatenate([speech(0.2), silence(0.4), speech(0.2)])
    shorter = build_clips.shorten_pauses(sound, round(0.1 * RATE))
    assert len(shorter) == round(0.5 * RATE)
    assert [end - first for first, end in build_clips.pauses(shorter)] == [round(0.1 * RATE)]


def test_a_short_pause_is_left_alone() -> None:
    sound = np.concatenate([speech(0.2), silence(0.05), speech(0.2)])
    assert len(build_clips.shorten_pauses(sound, round(0.1 * RATE))) == len(sound)


def test_every_voice_has_the_same_loudness_and_none_is_cut() -> None:
    levels = []
    for peak in (0.01, 0.1, 0.9):
        made = build_clips.level(np.concatenate([speech(0.5, peak), silence(0.5)]))
        levels.append(np.sqrt((made[: RATE // 2] ** 2).mean()))
        assert np.abs(made).max() < build_clips.PEAK_LEVEL
    assert max(levels) - min(levels) < 0.001
