from __future__ import annotations

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
