from __future__ import annotations

from dataclasses import replace

from otel_voiceload.analysis.recovery import Return, returned
from tests.analysis.shapes import closed_loop, evidence, point

CALLS = (12, 24, 48, 96)


def back_at(calls: float, seconds: float, turns: int = 20) -> Return | None:
    seen = evidence(
        CALLS,
        {"llm": closed_loop(CALLS, 48)},
        returned=[(calls, {"llm": point(seconds, calls / 3, turns=turns)})],
    )
    return returned(seen, "llm", below_index=3)


def test_well_again_at_an_earlier_level() -> None:
    found = back_at(24, 0.52)
    assert found is not None
    assert found.recovered
    assert found.asked == 24


def test_still_slow_at_an_earlier_level() -> None:
    found = back_at(24, 1.5)
    assert found is not None
    assert not found.recovered


def test_a_level_that_was_never_held_before_tells_nothing() -> None:
    assert back_at(33, 1.5) is None


def test_a_level_that_had_bent_already_tells_nothing() -> None:
    assert back_at(96, 3.5) is None


def test_a_handful_of_turns_after_the_backlog_tell_nothing() -> None:
    assert back_at(24, 1.5, turns=4) is None


def test_first_turns_can_speak_for_recovery_and_not_against_it() -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, 48)}, returned=[(24, {})])
    (back,) = seen.returned
    for seconds, expected in ((0.55, True), (1.5, None)):
        first = {"llm": {back: point(seconds, 8, turns=20)}}
        found = returned(replace(seen, with_first=first), "llm", below_index=3)
        assert (None if found is None else found.recovered) is expected
