"""The detector's rules on levels written by hand: -70 is a quiet line, -20 a voice."""

from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.audio import cells
from otel_voiceload.audio.cells import Levels, Thresholds


def heard(*runs: tuple[int, float]) -> Levels:
    """Levels from (how many cells, dBFS)."""
    return np.concatenate([np.full(count, level, dtype=np.float32) for count, level in runs])


def test_the_level_of_a_full_scale_square_wave_is_zero() -> None:
    samples = np.array([32_767, -32_767] * 40, dtype=np.int16)
    assert cells.levels(samples, 40) == pytest.approx([0.0, 0.0], abs=0.01)


def test_cells_are_counted_from_the_newest_sample() -> None:
    samples = np.array([9_999] * 3 + [0] * 40, dtype=np.int16)
    assert cells.levels(samples, 40).tolist() == pytest.approx([cells.SILENT_DBFS])


@pytest.mark.parametrize(
    ("floor", "start", "voiced"),
    [(-100.0, -53.0, -63.0), (-70.0, -53.0, -63.0), (-50.0, -40.0, -44.5)],
)
def test_a_floor_sets_both_thresholds(floor: float, start: float, voiced: float) -> None:
    thresholds = Thresholds(floor)
    assert (thresholds.start, thresholds.voiced) == (start, voiced)


@pytest.mark.parametrize(
    ("levels", "silent_cells", "floor"),
    [
        (heard((80, -60), (20, -20)), 0, -60),
        (heard((10, -60), (90, -20)), 0, -20),  # a voice without a pause has no other floor
        (heard((10, -20)), 90, cells.SILENT_DBFS),  # ... unless silence came before
        (heard((10, -20)), 0, -20),
        (heard((0, -70)), 100, cells.SILENT_DBFS),
    ],
)
def test_the_floor_is_the_20th_percentile(levels: Levels, silent_cells: int, floor: float) -> None:
    assert cells.floor_dbfs(levels, silent_cells) == pytest.approx(floor)


@pytest.mark.parametrize(
    ("levels", "first"),
    [
        (heard((50, -70), (6, -20)), 50),
        (heard((50, -70), (3, -20)), None),  # 15 ms are a click
        (heard((50, -70), (2, -58), (6, -20)), 50),  # a soft beginning counts
        (heard((50, -70), (1, -58), (3, -70), (6, -20)), 50),  # over a dip of 15 ms
        (heard((50, -70), (1, -58), (4, -70), (6, -20)), 55),  # not over one of 20
        (heard((20, -70), (6, -20), (30, -70)), None),  # long ago
        (heard((6, -20)), 0),
        (heard((0, -70)), None),
    ],
)
def test_a_start_is_dated_back_to_its_first_voiced_cell(levels: Levels, first: int | None) -> None:
    assert cells.find_start(levels, Thresholds(-70.0), newest=10) == first


def test_a_consonant_just_above_the_noise_belongs_to_the_start() -> None:
    levels = heard((40, -50), (8, -46.5), (6, -20))
    found = cells.find_start(levels, Thresholds(-50.0), newest=10)
    assert found is not None
    assert 38 <= found <= 41


@pytest.mark.parametrize(
    ("levels", "last"),
    [
        (heard((10, -20), (30, -70)), 9),
        (heard((10, -20), (10, -70), (1, -20), (10, -70)), 9),  # a click is not the end
        (heard((10, -20), (2, -70), (1, -20), (10, -70)), 12),
        (heard((20, -70)), None),
    ],
)
def test_an_end_is_the_last_voiced_cell_in_company(levels: Levels, last: int | None) -> None:
    assert cells.find_end(levels, Thresholds(-70.0)) == last


def test_noise_is_even_and_speech_is_not() -> None:
    rng = np.random.default_rng(1)
    noise = cells.levels(rng.normal(0, 300, 4000).astype(np.int16), 40)
    syllables = rng.normal(0, 300, 4000) * (1 + np.sin(np.arange(4000) / 200))
    assert cells.is_even(noise)
    assert not cells.is_even(cells.levels(syllables.astype(np.int16), 40))


@pytest.mark.parametrize("n_samples", [4800, 4837, 80])
def test_the_loudest_cell_is_the_highest_level(n_samples: int) -> None:
    rng = np.random.default_rng(2)
    samples = (rng.normal(0, 900, n_samples) * np.linspace(0.1, 2, n_samples)).astype(np.int16)
    assert cells.loudest_dbfs(samples, 80) == pytest.approx(cells.levels(samples, 80).max())
