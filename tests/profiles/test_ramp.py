from __future__ import annotations

import pytest

from otel_voiceload.profiles import Findings, Request
from otel_voiceload.profiles.ramp import Options, levels_to


@pytest.mark.parametrize(
    ("calls", "levels"),
    [
        (1, (1,)),
        (5, (1, 2, 3, 4, 5)),
        (10, (1, 2, 3, 4, 6, 8, 10)),
        (12, (1, 2, 3, 4, 6, 8, 10, 12)),
        (40, (1, 2, 3, 4, 6, 8, 10, 20, 40)),
        (100, (1, 2, 3, 4, 6, 8, 10, 20, 40, 80, 100)),
    ],
)
def test_levels_are_small_steps_and_then_doublings(calls: int, levels: tuple[int, ...]) -> None:
    assert levels_to(calls) == levels


def test_the_ramp_returns_to_an_earlier_level_and_says_so() -> None:
    stages = Options.of(Request(calls=100)).next_stages(Findings())
    assert stages is not None
    *_, top, back = stages
    assert (top.calls_to, back.calls_to) == (100, 40)
    assert back.repeat_of == 8
    assert stages[8].calls_to == 40
    assert all(stage.duration_s == 60 for stage in stages)


def test_a_ramp_to_one_call_has_nothing_to_return_to() -> None:
    stages = Options.of(Request(calls=1)).next_stages(Findings())
    assert stages is not None
    assert len(stages) == 1


def test_a_duration_is_that_of_the_whole_ramp() -> None:
    stages = Options.of(Request(calls=10, duration_s=400, turn_cycle_s=2)).next_stages(Findings())
    assert stages is not None
    assert stages[-1].end_s == 400


def test_problems_are_told() -> None:
    assert len(Options.of(Request(calls=0)).problems()) == 1
    assert len(Options(calls=5, hold_s=0).problems()) == 1
