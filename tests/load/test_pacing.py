from __future__ import annotations

import math

import pytest

from otel_voiceload.load.pacing import (
    NEVER_S,
    ConnectGate,
    Decision,
    Offered,
    asked_for_share,
    decide,
    share,
)
from otel_voiceload.model import Stage


def stages(*rows: tuple[float, float, float]) -> tuple[Stage, ...]:
    """(seconds, calls from, calls to), one after the other."""
    made: list[Stage] = []
    for index, (lasts_s, calls_from, calls_to) in enumerate(rows):
        start_s = made[-1].end_s if made else 0.0
        made.append(Stage(index, "p", start_s, lasts_s, calls_from, calls_to))
    return tuple(made)


STEPS = Offered(stages((10, 4, 4), (10, 8, 8), (10, 2, 2)), spread_s=4.0)
RAMP = Offered(stages((10, 0, 10), (10, 10, 0)), spread_s=4.0)


@pytest.mark.parametrize(
    ("elapsed_s", "asked", "why"),
    [
        (-1.0, 0, "before the start"),
        (0.4, 0, "the first of four starts sits in the middle of its second"),
        (0.5, 1, "half a call is due"),
        (3.5, 4, "all four within one turn cycle"),
        (9.9, 4, "held"),
        (10.4, 4, "a jump of four is spread too"),
        (12.0, 6, "half of it"),
        (14.0, 8, "a turn cycle after the jump"),
        (19.9, 8, "held"),
        (20.0, 2, "a jump down is at once: the calls end after their turns anyway"),
        (99.0, 2, "after the last stage its level is held"),
    ],
)
def test_steps_up_are_spread_over_a_turn_cycle_and_steps_down_are_not(
    elapsed_s: float, asked: int, why: str
) -> None:
    assert STEPS.asked(elapsed_s) == asked, why


@pytest.mark.parametrize(
    ("elapsed_s", "asked"), [(0.0, 0), (0.5, 1), (5.0, 5), (9.6, 10), (10.6, 9), (19.6, 0)]
)
def test_a_ramp_is_followed_as_it_is(elapsed_s: float, asked: int) -> None:
    assert RAMP.asked(elapsed_s) == asked


def test_a_step_shorter_than_a_turn_cycle_gets_as_far_as_it_can() -> None:
    offered = Offered(stages((2, 8, 8), (10, 8, 8)), spread_s=4.0)
    assert offered.asked(1.0) == 4
    assert offered.asked(2.0) == 8


@pytest.mark.parametrize(
    ("most_per_s", "lasts_s"), [(2.5, 4.0), (2.0, 4.0), (1.9, 8.0), (1.0, 8.0), (0.9, 12.0)]
)
def test_a_step_that_takes_longer_is_spread_over_whole_turn_cycles(
    most_per_s: float, lasts_s: float
) -> None:
    offered = Offered(stages((20, 8, 8)), spread_s=4.0, most_per_s=most_per_s)
    assert [offered.asked(lasts_s * part / 8 - 0.001) for part in (1, 4, 8)] == [1, 4, 8]
    assert offered.rose_s(8, 20.0) == pytest.approx(lasts_s * 7.5 / 8)


def test_without_a_spread_the_step_is_a_step() -> None:
    offered = Offered(stages((5, 3, 3)), spread_s=0.0)
    assert [offered.asked(t) for t in (-0.001, 0.0, 4.0)] == [0, 3, 3]
    assert offered.rose_s(3, 1.0) == 0.0


@pytest.mark.parametrize("offered", [STEPS, RAMP], ids=["steps", "ramp"])
def test_waking_at_each_change_misses_none(offered: Offered) -> None:
    seen, at_s, wakes = [], -1.0, 0
    while at_s < 40.0 and wakes < 200:
        seen.append(offered.asked(at_s))
        at_s = max(offered.changes_s(at_s), at_s + 0.001)
        wakes += 1
    polled = [offered.asked(-1 + step / 1000) for step in range(40_000)]
    assert _distinct(seen) == _distinct(polled)
    assert wakes < 60, "it slept between the changes"


def _distinct(values: list[int]) -> list[int]:
    return [value for i, value in enumerate(values) if not i or value != values[i - 1]]


def test_when_nothing_more_is_planned_nothing_changes() -> None:
    assert STEPS.changes_s(30.0) == NEVER_S
    assert Offered((), 4.0).changes_s(0.0) == NEVER_S
    assert Offered((), 4.0).asked(1.0) == 0
    assert Offered((), 4.0).stage(1.0) is None


@pytest.mark.parametrize(
    ("offered", "calls", "elapsed_s", "rose_s"),
    [
        (STEPS, 1, 9.0, 0.5),
        (STEPS, 4, 9.0, 3.5),
        (STEPS, 8, 19.0, 13.5),
        (STEPS, 2, 25.0, 1.5),
        (RAMP, 5, 9.0, 4.5),
    ],
)
def test_the_schedule_of_a_start_is_when_the_load_rose_to_it(
    offered: Offered, calls: int, elapsed_s: float, rose_s: float
) -> None:
    assert offered.rose_s(calls, elapsed_s) == pytest.approx(rose_s)


def test_a_level_that_is_reached_twice_counts_from_the_last_time() -> None:
    offered = Offered(stages((10, 4, 4), (10, 2, 2), (10, 4, 4)), spread_s=4.0)
    assert offered.rose_s(4, 29.0) == pytest.approx(23.0)
    assert offered.rose_s(4, 9.0) == pytest.approx(3.5)


def test_the_stage_of_a_moment_goes_on_until_another_follows() -> None:
    found = [STEPS.stage(t) for t in (-1.0, 0.0, 9.9, 10.0, 99.0)]
    assert [s and s.index for s in found] == [None, 0, 0, 1, 2]


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_shares_add_up_and_differ_by_one_at_most(shards: int) -> None:
    for calls in range(30):
        parts = [share(calls, index, shards) for index in range(shards)]
        assert sum(parts) == calls
        assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_a_share_grows_at_the_call_that_is_its_own(shards: int) -> None:
    for index in range(shards):
        for held in range(1, 6):
            asked = asked_for_share(held, index, shards)
            assert share(asked, index, shards) == held
            assert share(asked - 1, index, shards) == held - 1


@pytest.mark.parametrize(
    ("asked", "held", "leaving", "decision"),
    [
        (10, 4, 0, Decision(6, 0)),
        (10, 10, 0, Decision(0, 0)),
        (4, 10, 0, Decision(0, 6)),
        (4, 10, 6, Decision(0, 0)),  # told already
        (8, 10, 6, Decision(0, 0)),  # asked again for more while six still hang up: never above
        (12, 10, 6, Decision(2, 0)),
    ],
)
def test_starts_and_hang_ups_bring_the_held_calls_to_the_asked(
    asked: int, held: int, leaving: int, decision: Decision
) -> None:
    assert decide(asked, held, leaving) == decision


def test_connections_begin_at_most_at_their_rate() -> None:
    gate = ConnectGate(rate=20.0)
    assert gate.take(10, 0.0) == 2  # a tenth of a second's worth
    assert gate.take(8, 0.0) == 0
    assert gate.opens_s(0.0) == pytest.approx(0.05)
    assert gate.take(8, gate.opens_s(0.0)) == 1
    begun = sum(gate.take(100, 0.05 + tick / 100) for tick in range(1, 101))
    assert begun == 20
    assert gate.take(100, 99.0) == 2


def test_a_slow_gate_lets_single_calls_through() -> None:
    gate = ConnectGate(rate=0.5)
    assert gate.take(5, 0.0) == 1
    assert math.isclose(gate.opens_s(0.5), 2.0)
    assert gate.take(5, 1.9) == 0
    assert gate.take(5, 2.0) == 1
