from __future__ import annotations

from collections import Counter

import pytest

from otel_voiceload.profiles import Findings, Request, StageFinding
from otel_voiceload.profiles.baseline import Options


def test_it_goes_on_until_enough_calls_came_to_their_end() -> None:
    options = Options.of(Request())
    first = options.next_stages(Findings())
    assert first is not None
    assert [(s.calls_to, s.duration_s, s.phase) for s in first] == [
        (2, 20, "baseline"),
        (5, 20, "baseline"),
        (10, 60, "baseline"),
    ]
    done = tuple(map(StageFinding, first))
    more = options.next_stages(Findings(done, natural_ends=40))
    assert more is not None
    assert [(s.index, s.start_s, s.duration_s) for s in more] == [(3, 100, 30)]
    assert options.next_stages(Findings(done, natural_ends=75)) is None


def test_every_scenario_has_to_come_to_its_end_a_few_times() -> None:
    options = Options.of(Request(scenarios=("booking", "demo")))
    done = tuple(map(StageFinding, options.next_stages(Findings()) or ()))
    for ends, more in (({"booking": 96, "demo": 4}, True), ({"booking": 95, "demo": 5}, False)):
        found = Findings(done, natural_ends=100, scenario_ends=Counter(ends))
        assert (options.next_stages(found) is not None) is more


def test_the_ends_are_waited_for_at_any_pace() -> None:
    options = Options.of(Request(pace=0.001, turn_cycle_s=2.0))
    assert (options.hold_s, options.piece_s, options.longest_s) == (8.0, 8.0, 900.0)


def test_it_gives_up_waiting_for_ends_when_its_time_is_over() -> None:
    options = Options.of(Request(duration_s=70))
    stages: tuple[StageFinding, ...] = ()
    while more := options.next_stages(Findings(stages)):
        stages += tuple(map(StageFinding, more))
    assert [f.stage.duration_s for f in stages] == [60, 10]


@pytest.mark.parametrize(
    ("calls", "duration_s", "levels"),
    [
        (10, None, [(2, 20), (5, 20), (10, 60)]),
        (10, 90, [(2, 20), (5, 20), (10, 50)]),
        (10, 70, [(10, 60)]),  # they would take more than half of it
        (5, None, [(2, 20), (5, 60)]),
        (1, None, [(1, 60)]),
    ],
)
def test_smaller_levels_come_first_so_that_the_cost_of_a_call_has_a_slope(
    calls: int, duration_s: float | None, levels: list[tuple[int, float]]
) -> None:
    options = Options.of(Request(calls=calls, duration_s=duration_s))
    stages = options.next_stages(Findings()) or ()
    assert [(s.calls_to, s.duration_s) for s in stages] == levels
    assert sum(s.duration_s for s in stages) <= options.longest_s


def test_more_than_ten_calls_are_no_baseline() -> None:
    assert Options.of(Request(calls=3)).problems() == []
    assert "not 11" in Options.of(Request(calls=11)).problems()[0]
    assert len(Options.of(Request(duration_s=0)).problems()) == 1
