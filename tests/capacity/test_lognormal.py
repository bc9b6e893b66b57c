"""A lognormal goes through the two figures it was given."""

import random
from statistics import fmean, median, quantiles

import pytest

from otel_voiceload.capacity.lognormal import Lognormal, standard_normal


def test_draws_have_the_median_the_p95_and_the_mean() -> None:
    shape = Lognormal(0.5, 0.7)
    rng = random.Random(7)
    draws = [shape.draw(rng) for _ in range(20_000)]
    assert median(draws) == pytest.approx(0.5, rel=0.01)
    assert quantiles(draws, n=20)[-1] == pytest.approx(0.7, rel=0.01)
    assert fmean(draws) == pytest.approx(shape.mean_s, rel=0.01)


def test_equal_figures_mean_no_spread() -> None:
    shape = Lognormal(1.0, 1.0)
    assert {shape.quantile(share) for share in (0.01, 0.5, 0.99)} == {1.0}
    assert shape.mean_s == 1.0


@pytest.mark.parametrize(
    ("median_s", "p95_s", "words"),
    [(0.0, 1.0, "median"), (2.0, 1.0, "p95"), (1.0, float("nan"), "p95"), (-1, -1, "median")],
)
def test_impossible_figures_are_told(median_s: float, p95_s: float, words: str) -> None:
    assert words in " ".join(Lognormal(median_s, p95_s).problems())


def test_half_of_a_standard_normal_is_below_zero() -> None:
    assert standard_normal(0.5) == 0.0
    assert standard_normal(0.975) == pytest.approx(1.96, abs=0.001)
