from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otel_voiceload.analysis.knee import Knee, locate, resampled_cycles
from otel_voiceload.analysis.levels import Cycles, Evidence
from otel_voiceload.analysis.onset import find_onset
from tests.analysis.shapes import CYCLE_S, closed_loop, evidence, point

CALLS = (12, 24, 48, 96)


@pytest.mark.parametrize("knee", [30, 48, 70])
def test_plateau_times_unloaded_cycle_is_the_knee(knee: float) -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, knee)})
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    found = locate(seen, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert found.calls == pytest.approx(knee, rel=0.01)
    assert found.low <= knee * 0.96
    assert found.high >= knee * 1.04
    assert found.low < found.calls < found.high


def test_the_same_seed_gives_the_same_interval() -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, 48)})
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    first, second = (locate(seen, "llm", onset, np.random.default_rng(7)) for _ in range(2))
    assert first == second


def test_without_a_turn_cycle_below_the_onset_there_is_no_number() -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, 48)})
    none = Cycles(np.array([]), np.array([]))
    seen = replace(seen, cycles=dict.fromkeys(seen.cycles, none))
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    assert locate(seen, "llm", onset, np.random.default_rng(1)) is None


def test_a_top_level_that_still_carries_its_share_is_no_plateau() -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, 90)})
    onset = find_onset(seen.series("llm"))
    if onset is not None:
        found = locate(seen, "llm", onset, np.random.default_rng(1))
        assert found is not None
        assert found.still_rising
    full = evidence(CALLS, {"llm": closed_loop(CALLS, 48)})
    onset = find_onset(full.series("llm"))
    assert onset is not None
    found = locate(full, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert not found.still_rising


def test_a_component_that_collapses_is_only_known_between_two_levels() -> None:
    series = closed_loop(CALLS, 200)
    series[2:] = [point(8.0, 1.0), point(8.0, 0.5)]
    seen = evidence(CALLS, {"llm": series})
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    found = locate(seen, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((24 * 0.95, 48 * 1.05))
    assert 24 < found.calls < 48


@pytest.mark.parametrize("share", [1.0, 0.8, 0.1])
def test_a_component_that_few_turns_show_is_full_at_as_many_calls(share: float) -> None:
    """Sampled or lost spans show a part of the work; the knee is that of the whole."""
    whole = [replace(each, turns=600) for each in closed_loop(CALLS, 48)]
    part = [
        replace(
            each,
            turns=round(each.turns * share),
            rate=each.rate * share,
            ended_rate=each.ended_rate * share,
            finished=tuple(per_block * share for per_block in each.finished),
        )
        for each in whole
    ]
    seen = evidence(CALLS, {"turn": whole, "llm": part})
    onset = find_onset(seen.series("turn"))
    assert onset is not None
    found = locate(seen, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert found.calls == pytest.approx(48, rel=0.03)


def located(seen: Evidence, served_per_s: float | None = None) -> Knee:
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    found = locate(seen, "llm", onset, np.random.default_rng(1), served_per_s)
    assert found is not None
    return found


def test_what_waits_below_the_onset_is_not_taken_for_an_unloaded_cycle() -> None:
    """At the level below the onset a turn takes 0.1 s longer, and so does its cycle."""
    calls = (6, 12, 24, 48, 96)
    series = closed_loop(calls, 40)
    series[2] = replace(series[2], mean_s=series[2].mean_s + 0.1)
    seen = evidence(calls, {"turn": series, "llm": series})
    longer = Cycles(np.full(20, 2.0), np.full(20, 2.0 * (CYCLE_S + 0.1)))
    seen = replace(seen, cycles={**seen.cycles, seen.rising[2]: longer})
    assert located(seen).cycle_s == pytest.approx(CYCLE_S)


def test_levels_at_which_callers_gave_up_do_not_lower_the_knee() -> None:
    series = [*closed_loop((12, 24, 48), 40), point(9.0, 11.0, given_up=6.0)]
    own = [*series[:3], point(8.0, 15.5)]  # some of it for callers who had gone
    seen = evidence(CALLS, {"turn": series, "llm": own})
    assert located(seen).calls == pytest.approx(40, rel=0.01)


def test_where_all_levels_above_lost_callers_the_components_own_work_tells() -> None:
    calls = (10, 20, 40)
    turn = [*closed_loop((10, 20), 30), point(4.0, 6.0, given_up=6.0)]
    own = [*turn[:2], point(4.0, 10.0)]
    assert located(evidence(calls, {"turn": turn, "llm": own})).calls == pytest.approx(30, rel=0.01)


@pytest.mark.parametrize(
    ("served_per_s", "calls"),
    [(None, 48), (18.0, 54), (15.0, 48), (30.0, 48)],  # the last two can not be its own limit
)
def test_servers_that_are_idle_between_refusals_count_as_full(
    served_per_s: float | None, calls: float
) -> None:
    series = closed_loop(CALLS, 48)
    seen = evidence(CALLS, {"turn": series, "llm": series})
    assert located(seen, served_per_s).calls == pytest.approx(calls, rel=0.01)


def test_very_many_calls_are_resampled_in_hands_with_the_same_interval() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 9, 20_000).astype(float)
    sums = counts * rng.gamma(4.0, 2.0, counts.size)  # calls differ from each other
    mean, spread = sums.sum() / counts.sum(), []
    for _ in range(200):
        weights = rng.poisson(1.0, counts.size)
        spread.append((weights @ sums) / (weights @ counts))
    found = resampled_cycles(counts, sums, rng)
    assert found.mean() == pytest.approx(mean, rel=1e-3)
    assert found.std() == pytest.approx(np.std(spread), rel=0.15)
