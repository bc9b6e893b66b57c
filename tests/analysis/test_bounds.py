from __future__ import annotations

from math import inf

import numpy as np
import pytest

from otel_voiceload.analysis import bounds

RNG = np.random.default_rng(5)


def lognormal(calls: int, turns: int, between: float, rng: np.random.Generator) -> bounds.Sample:
    """Calls whose own level varies by ``between``: their turns resemble each other."""
    own = rng.normal(0, between, calls)
    values = np.exp(np.repeat(own, turns) + rng.normal(0, 0.3, calls * turns))
    return bounds.sample(values, np.repeat(np.arange(calls, dtype=float), turns))


@pytest.mark.parametrize("between", [0.0, 0.5])
def test_the_bounds_hold_about_as_often_as_they_say_also_when_calls_differ(between: float) -> None:
    rng = np.random.default_rng(11)
    spread = np.sqrt(between**2 + 0.3**2)
    truth = float(np.exp(1.6448536 * spread))
    above = below = 0
    for _ in range(200):
        found = bounds.quantile_bounds(lognormal(60, 6, between, rng), 0.95)
        assert found is not None
        above += found.high >= truth
        below += found.low <= truth
    assert above >= 180, "one-sided 95 %: at least about 190 of 200"
    assert below >= 180


def test_turns_of_few_calls_bound_less_than_the_same_turns_of_many() -> None:
    values = np.exp(np.repeat(RNG.normal(0, 0.5, 20), 20))
    few = bounds.quantile_bounds(bounds.sample(values, np.repeat(np.arange(20.0), 20)), 0.5)
    many = bounds.quantile_bounds(bounds.sample(values, np.arange(400.0)), 0.5)
    assert few is not None
    assert many is not None
    assert few.high - few.low > many.high - many.low


def test_a_turn_without_an_answer_is_above_every_percentile_that_it_could_reach() -> None:
    values = np.array([1.0] * 90 + [8.0] * 10)
    censored = values == 8.0
    data = bounds.sample(values, np.arange(100.0), censored)
    found = bounds.quantile_bounds(data, 0.95)
    assert found is not None
    assert found.observed == 8.0
    assert found.high == inf
    assert found.low == 8.0, "ten of a hundred are at least the deadline"


def test_a_percentile_that_so_few_values_can_not_bound_is_unbounded() -> None:
    found = bounds.quantile_bounds(bounds.sample(np.ones(30), np.arange(30.0)), 0.99)
    assert found is not None
    assert found.high == inf


@pytest.mark.parametrize(("size", "share"), [(59, 0.95), (299, 0.99)])
def test_the_number_of_values_that_bound_a_percentile(size: int, share: float) -> None:
    # The textbook counts: 59 values for the 95th percentile at 95 %, 299 for the 99th.
    assert bounds.rank_bounds(size, share)[1] == size
    assert bounds.rank_bounds(size - 1, share)[1] is None


def test_large_samples_use_the_normal_law_and_agree_with_the_exact_one() -> None:
    exact, normal = bounds.rank_bounds(5_000, 0.9), bounds.rank_bounds(5_001, 0.9)
    assert exact[0] is not None
    assert exact[1] is not None
    assert normal[0] == pytest.approx(exact[0], abs=3)
    assert normal[1] == pytest.approx(exact[1], abs=3)


def test_wilson_bounds_stay_within_zero_and_one() -> None:
    low, high = bounds.wilson(1.0, 20)
    assert 0.85 < low < 1.0
    assert high == 1.0


def test_more_calls_are_asked_for_only_as_long_as_they_would_decide() -> None:
    values = np.concatenate([np.full(97, 1.0), np.full(3, 3.0)])
    data = bounds.sample(values, np.arange(100.0))
    needed = bounds.calls_to_decide(data, 0.95, 2.0)
    assert needed is not None
    assert 50 < needed < 1_000
    on_the_limit = bounds.sample(np.array([1.0, 3.0] * 50), np.arange(100.0))
    assert bounds.calls_to_decide(on_the_limit, 0.5, 2.0) is None


def test_nothing_measured_has_no_bounds() -> None:
    empty = bounds.sample(np.array([]), np.array([]))
    assert bounds.quantile_bounds(empty, 0.5) is None
    assert bounds.mean_bounds(empty) is None
    assert bounds.rate_bounds(np.array([]), np.array([])) is None


def test_a_mean_of_one_call_is_not_bounded() -> None:
    found = bounds.mean_bounds(bounds.sample(np.array([1.0, 2.0]), np.zeros(2)))
    assert found == bounds.Bounds(1.5, -inf, inf)


def test_a_rate_of_calls_that_fail_together_is_bounded_less() -> None:
    hits = np.repeat(np.array([1.0] * 16 + [0.0] * 4), 10)
    together = bounds.rate_bounds(hits, np.repeat(np.arange(20.0), 10))
    alone = bounds.rate_bounds(hits, np.arange(200.0))
    assert together is not None
    assert alone is not None
    assert together.low < alone.low


@pytest.mark.parametrize(("share", "least"), [(0.5, 5), (0.95, 59), (0.99, 299), (0.999, 2995)])
def test_the_least_number_of_values_is_where_a_bound_begins_to_exist(
    share: float, least: int
) -> None:
    assert bounds.least_to_bound(share) == least
    assert bounds.rank_bounds(least, share)[1] is not None
    assert bounds.rank_bounds(least - 1, share)[1] is None


@pytest.mark.parametrize("limit", [0.5, 0.9, 0.95, 0.99])
def test_the_least_number_of_tries_is_where_a_perfect_rate_is_sure(limit: float) -> None:
    least = bounds.least_to_bound_rate(limit)
    assert bounds.wilson(1.0, least)[0] > limit >= bounds.wilson(1.0, least - 1)[0]
    assert bounds.wilson(0.0, least)[1] < 1 - limit + 1e-12
