from __future__ import annotations

from dataclasses import replace

import pytest

from otel_voiceload.profiles import Measured, TopLevel
from otel_voiceload.profiles.search import Step, next_step

CALM = Measured(1, "not_reached", top=TopLevel(20, 60, 1.0, 1.0, 0.0, 0.0))
BENT = Measured(1, "found", "llm", 40, 34, 46, 30, TopLevel(40, 60, 2.0, 2.0, 0.0, 0.0))
LOOSE = replace(BENT, knee_low=30, knee_high=60)
HELD = (1, 2, 5, 10, 20)


def top(**changes: float) -> Measured:
    assert LOOSE.top is not None
    return replace(LOOSE, top=replace(LOOSE.top, **changes))


@pytest.mark.parametrize(
    ("measured", "calls", "why"),
    [
        (CALM, 40, "nothing bent below"),
        (LOOSE, 25, "a small step, since llm seems to bend"),
        (replace(CALM, top=TopLevel(20, 60, 1.4, 1.4, 0, 0)), 25, "p95 at 20 calls was 1.4 times"),
        (Measured(1, "unknown", why="it took too long"), 40, "could not be measured: it took too"),
        (None, 40, "nothing is known"),
    ],
)
def test_levels_double_until_something_is_suspected(
    measured: Measured | None, calls: int, why: str
) -> None:
    step = next_step(HELD, measured, 100)
    assert step.calls == calls
    assert why in step.why


@pytest.mark.parametrize(
    ("measured", "most", "reason", "why"),
    [
        (BENT, 100, "target_reached", "the knee is known: llm at 34 to 46 calls"),
        (CALM, 20, "target_reached", "20 calls were the most"),
        (None, 20, "target_reached", "20 calls were the most"),
        (top(p95_ratio=4.2), 100, "quality_floor", "4.2 times the baseline's"),
        (top(unanswered=0.25), 100, "quality_floor", "25% of the turns at 40 calls had no answer"),
        (top(completion_drop=0.3), 100, "quality_floor", "30 points under"),
    ],
)
def test_the_search_ends_and_says_why(
    measured: Measured | None, most: int, reason: str, why: str
) -> None:
    step = next_step(HELD, measured, most)
    assert (step.calls, step.stop_reason) == (None, reason)
    assert why in step.why


@pytest.mark.parametrize(
    ("limited", "calls", "reason", "why"),
    [
        ((True,), 20, "target_reached", "so this level once more"),
        ((True, True), None, "generator_limit", "the limit at 20 calls, 2 times in a row"),
        ((True, False), 40, "target_reached", "nothing bent below"),
        ((False,), 40, "target_reached", "nothing bent below"),
    ],
)
@pytest.mark.parametrize("measured", [CALM, replace(CALM, status="cannot_tell")])
def test_a_level_at_which_the_generator_was_the_limit_is_held_once_more_and_then_ends_the_search(
    measured: Measured, limited: tuple[bool, ...], calls: int | None, reason: str, why: str
) -> None:
    step = next_step(HELD, measured, 100, limited)
    assert (step.calls, step.stop_reason) == (calls, reason)
    assert why in step.why


def test_it_does_not_go_on_for_ever() -> None:
    step = next_step(tuple(range(1, 31)), LOOSE, 1000)
    assert (step.calls, step.stop_reason) == (None, "duration")


def test_a_step_is_never_beyond_the_most_and_never_none() -> None:
    assert next_step((90,), CALM, 100) == Step(100, "nothing bent below")
    assert next_step((1,), LOOSE, 100).calls == 2
