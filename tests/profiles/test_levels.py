import pytest

from otel_voiceload.model import Stage
from otel_voiceload.profiles.levels import (
    countable_hold_s,
    halvings,
    lacking,
    level,
    paced_hold_s,
    staircase,
)


def test_a_level_holds_one_concurrency() -> None:
    stage = level(3, "ramp", 10.0, 5.0, 24, repeat_of=1)
    assert stage == Stage(3, "ramp", 10.0, 5.0, 24.0, 24.0, 1)
    assert stage.calls_at(12.0) == 24.0


def test_a_staircase_goes_on_without_gaps() -> None:
    assert [
        (s.start_s, s.calls_to) for s in staircase("ramp", ((1, 30.0), (2, 30.0), (4, 30.0)))
    ] == [
        (0.0, 1.0),
        (30.0, 2.0),
        (60.0, 4.0),
    ]


@pytest.mark.parametrize(
    ("hold_s", "pace", "cycle_s", "expected"),
    [
        (60, 1.0, 7, 60),
        (60, 2.0, 7, 120),
        (60, 0.1, 7, 28),  # four cycles
        (10, 0.5, 7, 10),  # shorter than four cycles already: as the user wrote it
    ],
)
def test_a_pace_never_shrinks_a_hold_below_what_can_be_counted(
    hold_s: float, pace: float, cycle_s: float, expected: float
) -> None:
    assert paced_hold_s(hold_s, pace, cycle_s) == expected


def test_few_calls_are_held_longer_so_that_turns_can_be_counted() -> None:
    assert countable_hold_s(40, 20, 3.0) == 12.0, "four cycles are enough for many calls"
    assert countable_hold_s(2, 20, 3.0) == pytest.approx(64.5)


@pytest.mark.parametrize(
    ("calls", "levels"),
    [(100, (12, 25, 50, 100)), (48, (6, 12, 24, 48)), (3, (1, 2, 3)), (1, (1,))],
)
def test_halvings_are_levels_up_to_the_target(calls: int, levels: tuple[int, ...]) -> None:
    assert halvings(calls, 3) == levels


def test_a_profile_without_calls_or_time_lacks_them() -> None:
    assert lacking("soak", 1, 0.1) == []
    nothing = lacking("soak", 0, 5.0, 0.0)
    assert [words.partition(";")[0] for words in nothing] == [
        "a soak of 0 calls is none",
        "a soak needs time at every level",
    ]
