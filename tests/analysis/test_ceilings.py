from __future__ import annotations

import pytest

from otel_voiceload.analysis import ceilings
from otel_voiceload.analysis.thresholds import parse
from tests.analysis.test_judge import LEVELS, SEARCHED, grounds, measured

BASE = {"turn_latency": measured([0.5] * 100), "call_completion": measured([1.0] * 100)}


def test_the_ceiling_lies_between_the_last_level_that_held_and_the_first_that_broke() -> None:
    found = ceilings.slo(parse("turn_latency: p95<2s"), grounds(SEARCHED, levels=LEVELS))
    assert found.calls is not None
    assert 20 < found.calls < 40
    assert found.ci == (20, 40)
    assert found.limited_by == "turn_latency: p95<2s"


def test_the_tightest_promise_sets_it() -> None:
    both = parse("turn_latency: [p95<2s, p50<550ms]")
    found = ceilings.slo(both, grounds(SEARCHED, levels=LEVELS))
    assert found.limited_by == "turn_latency: p50<550ms"
    assert found.ci == (10, 20)


def test_a_promise_missed_at_the_lowest_level_is_no_load_problem() -> None:
    on = grounds(SEARCHED, levels=LEVELS, baseline=BASE)
    assert ceilings.slo(parse("turn_latency: p50<100ms"), on).calls == 0.0
    own = ceilings.degradation(on)
    assert own.calls is not None
    assert own.calls > 20
    assert own.limited_by == "turn_latency: p95<2x baseline"


@pytest.mark.parametrize(
    ("slow", "calls", "limited_by"),
    [(2, 40, None), (90, 0.0, "turn_latency: p95<2s")],
    ids=["by_luck", "for_certain"],
)
def test_a_level_that_a_higher_one_contradicts_breaks_a_promise_only_for_certain(
    slow: int, calls: float, limited_by: str | None
) -> None:
    """Two slow turns of twenty at the lowest level, and none of hundreds above it."""
    lowest = [3.0] * slow + [0.5] * 18
    values = [*lowest, *[0.6] * 300]
    data = measured(values, [0] * len(lowest) + [1] * 150 + [2] * 150)
    found = ceilings.slo(parse("turn_latency: p95<2s"), grounds(data, levels=LEVELS))
    assert (found.calls, found.limited_by) == (calls, limited_by)


def test_what_never_broke_holds_up_to_the_highest_level() -> None:
    found = ceilings.slo(parse("turn_latency: p95<9s"), grounds(SEARCHED, levels=LEVELS))
    assert found == ceilings.Ceiling(40, None, None)


def test_without_levels_or_baseline_nothing_is_known() -> None:
    nothing = ceilings.Ceiling(None, None, None)
    assert ceilings.slo(parse("turn_latency: p95<2s"), grounds(SEARCHED)) == nothing
    assert ceilings.degradation(grounds(SEARCHED, levels=LEVELS)) == nothing


def test_calls_that_end_as_badly_as_ever_hold_nothing_where_nobody_was_answered() -> None:
    silent = {"turn_latency": measured([]), "call_completion": measured([0.0] * 100)}
    ends = measured([0.0] * 300, [0] * 100 + [1] * 100 + [2] * 100)
    on = grounds(ends, "call_completion", levels=LEVELS, baseline=silent)
    assert ceilings.degradation(on) == ceilings.Ceiling(None, None, None)


@pytest.mark.parametrize("completion", [1.0, 0.5])
def test_completion_five_points_down_is_degradation_too(completion: float) -> None:
    size = 100
    ends = measured(
        [1.0] * 200 + [1.0] * int(size * completion) + [0.0] * int(size * (1 - completion)),
        [0] * 100 + [1] * 100 + [2] * 100,
    )
    on = grounds(ends, "call_completion", levels=LEVELS, baseline=BASE)
    limited = ceilings.degradation(on).limited_by
    assert limited == (None if completion == 1.0 else "call_completion: drop<5pp")


def test_a_level_with_hardly_a_turn_makes_no_ceiling() -> None:
    few = measured([0.5] * 5 + [3.0] * 5 + [0.5] * 100, [0] * 5 + [1] * 5 + [2] * 100)
    assert ceilings.slo(parse("turn_latency: p95<2s"), grounds(few, levels=LEVELS)).calls == 40
    few = measured([3.0] * 5, [0] * 5)
    found = ceilings.slo(parse("turn_latency: p95<2s"), grounds(few, levels=LEVELS))
    assert found == ceilings.Ceiling(None, None, None)
