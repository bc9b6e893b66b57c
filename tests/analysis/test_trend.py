from __future__ import annotations

import random

import pytest

from otel_voiceload.analysis.trend import LEAST_RUNS, find_step


def series(before: int, after: int, step: float, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    levels = [1.0] * before + [1.0 + step] * after
    return [level * (1 + chance.gauss(0, 0.03)) for level in levels]


@pytest.mark.parametrize(("before", "after"), [(6, 6), (8, 4), (4, 8)])
def test_a_step_is_found_where_it_lies(before: int, after: int) -> None:
    step = find_step(series(before, after, 0.3))
    assert step is not None
    assert step.at == before
    assert step.after / step.before == pytest.approx(1.3, abs=0.05)


def test_runs_that_are_alike_hardly_ever_show_a_step() -> None:
    found = sum(find_step(series(12, 0, 0.0, seed)) is not None for seed in range(100))
    assert found <= 5


def test_one_bad_run_is_no_step() -> None:
    values = series(12, 0, 0.0)
    values[6] = 5.0
    assert find_step(values) is None


def test_few_runs_and_runs_that_never_change_show_none() -> None:
    assert find_step(series(3, LEAST_RUNS - 4, 2.0)) is None
    assert find_step([1.0] * 12) is None
