from __future__ import annotations

from otel_voiceload.profiles import Ceiling, Findings, Request
from otel_voiceload.profiles.soak import Options


def test_three_quarters_of_the_ceiling_are_held_for_hours() -> None:
    (stage,) = Options.of(Request(ceiling=Ceiling(35, "run x"))).next_stages(Findings()) or ()
    assert (stage.calls_to, stage.duration_s) == (26, 4 * 3600)
    assert stage.note == "75% of the ceiling of 35 calls (run x)"


def test_calls_and_a_duration_can_be_given_instead() -> None:
    options = Options.of(Request(calls=12, duration_s=600))
    assert (options.calls, options.hold_s, options.note) == (12, 600, "")
    assert options.problems() == []


def test_it_never_holds_more_than_the_cap() -> None:
    assert Options.of(Request(ceiling=Ceiling(1000, "run x"), max_calls=50)).calls == 50


def test_problems_are_told() -> None:
    assert len(Options(0).problems()) == 1
    assert len(Options(3, hold_s=0).problems()) == 1
