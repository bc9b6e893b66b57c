from __future__ import annotations

from dataclasses import replace

import pytest

from otel_voiceload.profiles import Fared, Measured
from otel_voiceload.profiles.search import Step, next_step

WELL = Fared(20, 60, 1.0, 1.0, 0.0, 0.0)
CALM = Measured(1, "not_reached", levels=(WELL,))
BENT = Measured(1, "found", "llm", 40, 34, 46, 30, (WELL,))
LOOSE = replace(BENT, knee_low=30, knee_high=60)
HELD = (1, 2, 5, 10, 20)


def top(**changes: float) -> Measured:
    return replace(LOOSE, levels=(replace(WELL, **changes),))


def fared(*levels: tuple[float, float], **more: float | str) -> Measured:
    """Levels in the order of the run, each with its p95 over the baseline's of one second."""
    figures = tuple(Fared(calls, 60, ratio, ratio, 0.0, 0.0) for calls, ratio in levels)
    return replace(CALM, levels=figures, **more)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("measured", "calls", "why"),
    [
        (CALM, 40, "nothing bent below"),
        (LOOSE, 25, "a small step, since llm seems to bend"),
        (fared((20, 1.4)), 25, "p95 at 20 calls was 1.4 times"),
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
        (top(unanswered=0.25), 100, "quality_floor", "25% of the turns at 20 calls had no answer"),
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


# --- between two levels ---------------------------------------------------------------------------

UP = (5, 10, 20, 40)
GOOD = ((10, 1.0), (20, 1.0))


@pytest.mark.parametrize(
    ("held", "measured", "calls", "why"),
    [
        (UP, fared(*GOOD, (40, 2.0)), 20, "40 calls seem too many: back to 20 until the backlog"),
        (UP, fared(*GOOD, (40, 1.1), status="at_most", knee=30), 20, "40 calls seem too many"),
        (UP, fared(*GOOD, (40, 9.0)), 20, "40 calls seem too many"),  # beyond the floor as well
        ((*UP, 20), fared(*GOOD, (40, 2.0), (20, 1.1)), 28, "in the middle of 20 calls, which are"),
        ((*UP, 20), fared(*GOOD, (40, 2.0), (20, 1.6)), 20, "the backlog of 40 calls is not gone"),
        ((*UP, 20), fared(*GOOD, (40, 2.0)), 20, "the backlog of 40 calls is not gone"),
        ((*UP, 20, 20), fared(*GOOD, (40, 2.0), (20, 1.6)), 20, "is not gone yet"),
        ((*UP, 20, 28), fared(*GOOD, (40, 2), (20, 1), (28, 1)), 33, "in the middle of 28 calls"),
        ((*UP, 20, 28), fared(*GOOD, (40, 2), (20, 1), (28, 2)), 20, "28 calls seem too many"),
        ((*UP, 20, 28, 20), fared(*GOOD, (40, 2), (20, 1), (28, 2), (20, 1)), 24, "in the middle"),
    ],
)
def test_between_a_good_level_and_one_that_was_too_many_lies_the_middle(
    held: tuple[int, ...], measured: Measured, calls: int, why: str
) -> None:
    step = next_step(held, measured, 100)
    assert step.calls == calls
    assert why in step.why


@pytest.mark.parametrize(
    ("held", "measured", "calls"),
    [
        ((*UP, 20, 28, 33), fared(*GOOD, (40, 2), (20, 1), (28, 1), (33, 1)), 50),  # two middles
        ((5, 10, 20, 24), fared(*GOOD, (24, 2.0)), 30),  # a small step: no room for a middle
        (
            (2, 4, 8, 10),
            fared((2, 1.0), (4, 1.0), (8, 2.0), (10, 2.0)),
            12,
        ),  # steps are small there
        (UP, fared((10, 1.0), (20, 2.0), (40, 1.0)), 80),  # what comes and goes is not load
        (UP, fared((20, 2.0), (40, 2.0)), 50),  # nothing good is known
    ],
)
def test_where_there_is_no_middle_it_goes_up(
    held: tuple[int, ...], measured: Measured, calls: int
) -> None:
    assert next_step(held, measured, 100).calls == calls


def test_a_level_that_does_not_get_well_again_ends_the_search() -> None:
    measured = fared(*GOOD, (40, 2.0), (20, 1.6))
    step = next_step((*UP, 20, 20, 20), measured, 100)
    assert (step.calls, step.stop_reason) == (None, "quality_floor")
    assert "20 calls were served well before 40 calls came" in step.why


def test_with_the_middles_tried_the_floor_ends_the_search() -> None:
    measured = fared(*GOOD, (40, 9), (20, 1), (28, 1), (34, 2), (28, 1), (31, 1))
    step = next_step((*UP, 20, 28, 34, 28, 31), measured, 100)
    assert (step.calls, step.stop_reason) == (None, "quality_floor")
