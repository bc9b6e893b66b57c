from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.analysis.judge import Measured
from otel_voiceload.analysis.levels import Cycles, Evidence, Level
from otel_voiceload.analysis.outside import unloaded, with_levels, with_rows
from tests.analysis.shapes import CYCLE_S, level, point


def of_levels(*calls: float) -> Evidence:
    """Levels whose numbers are their calls, so that those of a window are the run's."""
    held = tuple(level(round(each), each) for each in calls)
    cycles = {each: Cycles(np.full(20, 2.0), np.full(20, 2.0 * CYCLE_S)) for each in held}
    return Evidence(
        held, (), {"turn": {each: point(0.5, each.calls / CYCLE_S) for each in held}}, cycles
    )


def calls_of(levels: tuple[Level, ...]) -> list[float]:
    return [each.asked for each in levels]


@pytest.mark.parametrize(
    ("whole", "window", "stand_in"),
    [
        ((1, 5, 10, 20, 80), (20, 80), [1, 5, 10]),
        ((1, 5, 10, 20, 80), (10, 20, 80), []),
        ((40, 80, 160, 320), (160, 320), [40, 80]),
        ((40, 80, 160, 320), (80, 160), []),
        ((1, 5), (), []),
        ((), (20, 80), []),
    ],
)
def test_levels_of_the_run_stand_in_where_the_window_has_no_unloaded_one(
    whole: tuple[float, ...], window: tuple[float, ...], stand_in: list[float]
) -> None:
    assert calls_of(unloaded(of_levels(*whole), of_levels(*window), up_to=10)) == stand_in


def test_a_sliver_of_a_stand_in_gives_way_to_all_of_it() -> None:
    whole, window = of_levels(10, 40), of_levels(10, 20, 40)
    low = whole.rising[0]
    joined = with_levels(window, whole, (low,))
    assert calls_of(joined.rising) == [10, 20, 40]
    assert joined.rising[0] is low
    assert joined.cycles[low] is whole.cycles[low]


def measured(*at: float) -> Measured:
    rows = len(at)
    words = np.array([""] * rows)
    return Measured(
        np.ones(rows), np.zeros(rows), np.arange(rows) + 1.0, np.array(at), words, words
    )


def test_calls_outside_of_the_window_are_none_of_those_inside() -> None:
    (low,) = of_levels(10).rising
    found = with_rows({"llm": measured(10, 20)}, {"llm": measured(10, 10, 20)}, (low,))
    assert found["llm"].levels.tolist() == [20, 10, 10]
    assert len(set(found["llm"].calls.tolist())) == 3
