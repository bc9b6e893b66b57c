from __future__ import annotations

from otel_voiceload.profiles import Ceiling, Findings, Request
from otel_voiceload.profiles.spike import Options


def shape(options: Options) -> list[tuple[float, float, bool]]:
    stages = options.next_stages(Findings()) or ()
    return [(s.calls_to, s.duration_s, s.at_once) for s in stages]


def test_five_and_ten_times_the_steady_level_at_once_and_back() -> None:
    assert shape(Options.of(Request(calls=4))) == [
        (4, 120, False),
        (20, 60, True),
        (4, 120, False),
        (40, 60, True),
        (4, 120, False),
    ]


def test_without_calls_five_times_the_steady_level_is_the_measured_ceiling() -> None:
    options = Options.of(Request(ceiling=Ceiling(35, "run x")))
    assert (options.steady, options.peak_calls) == (7, 70)
    assert options.note == "20% of the ceiling of 35 calls (run x)"
    assert Options.of(Request(ceiling=Ceiling(35, "run x"), max_calls=50)).peak_calls == 50


def test_a_duration_is_that_of_the_whole_profile() -> None:
    stages = Options.of(Request(calls=4, duration_s=240, turn_cycle_s=2)).next_stages(Findings())
    assert stages is not None
    assert stages[-1].end_s == 240


def test_spikes_are_held_down_to_the_most_that_may_be_and_say_so() -> None:
    stages = Options(4, most=30).next_stages(Findings()) or ()
    assert [s.calls_to for s in stages] == [4, 20, 4, 30, 4]
    assert stages[3].note == "10x the steady level, held down to 30 calls"


def test_holds_can_be_stretched_so_that_turns_can_be_counted() -> None:
    options = Options(2, steady_s=4, spike_s=4).with_least(20, turn_cycle_s=2)
    assert options.steady_s > 30, "two calls take long to make twenty turns"
    assert options.spike_s == 11, "ten calls take five cycles and a half"


def test_problems_are_told() -> None:
    assert len(Options(0).problems()) == 1
    assert len(Options(3, steady_s=0).problems()) == 1
