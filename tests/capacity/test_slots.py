"""Slots hold the asked number of calls, spread within a turn cycle."""

import pytest

from otel_voiceload.capacity.slots import slot_changes
from otel_voiceload.model import Stage


def held(stages: list[Stage], at_s: float, spread_s: float = 3.0) -> int:
    open_slots: set[int] = set()
    for change in slot_changes(stages, spread_s):
        if change.at_s <= at_s:
            (open_slots.add if change.opens else open_slots.discard)(change.slot)
    return len(open_slots)


STEPS = [Stage(0, "ramp", 0, 10, 12, 12), Stage(1, "ramp", 10, 10, 48, 48)]
STEPS += [Stage(2, "ramp", 20, 10, 24, 24)]


@pytest.mark.parametrize(
    ("at_s", "calls"), [(0, 1), (1.5, 7), (3, 12), (9.9, 12), (13, 48), (20, 24), (30, 24)]
)
def test_steps_open_slots_over_one_cycle_and_close_them_at_once(at_s: float, calls: int) -> None:
    assert held(STEPS, at_s) == calls


@pytest.mark.parametrize("at_s", [0, 13, 25, 50, 77, 99.9])
def test_a_straight_ramp_holds_what_is_asked_at_every_moment(at_s: float) -> None:
    ramp = [Stage(0, "ramp", 0, 50, 0, 100), Stage(1, "ramp", 50, 50, 100, 20)]
    asked = next(stage for stage in ramp if at_s < stage.end_s).calls_at(at_s)
    assert held(ramp, at_s) == pytest.approx(asked, abs=1)


def test_a_stage_shorter_than_a_cycle_opens_all_its_slots_in_time() -> None:
    assert held([Stage(0, "ramp", 0, 2, 10, 10)], 1.0) == 10


def test_no_stages_are_no_changes() -> None:
    assert slot_changes([], 3.0) == []


def test_stages_that_are_added_go_on_from_what_is_held() -> None:
    more = slot_changes([Stage(3, "ramp", 30, 10, 26, 26)], 3.0, held=24)
    assert [(change.slot, change.opens) for change in more] == [(24, True), (25, True)]


def test_a_crowd_that_comes_at_once_is_not_spread() -> None:
    spike = Stage(1, "spike", 10, 10, 100, 100, at_once=True)
    assert {change.at_s for change in slot_changes([spike], 3.0)} == {10}
