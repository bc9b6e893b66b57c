from __future__ import annotations

import pytest

from otel_voiceload.charts import labels
from otel_voiceload.charts.labels import Box, clock, free, plot_width, spaced


def test_what_comes_first_keeps_its_place_and_what_meets_it_goes() -> None:
    boxes = [Box(0, 20, 0, 10), Box(10, 30, 0, 10), Box(10, 30, 20, 30), Box(40, 60, 0, 10)]

    assert free(boxes) == [0, 2, 3]
    assert free(boxes, [Box(50, 55, 0, 10)]) == [0, 2]


def test_both_ends_of_an_axis_are_named_before_what_is_between() -> None:
    assert spaced([0, 5, 50, 95, 100], ["1", "2", "3", "4", "5"]) == [0, 2, 4]
    assert spaced([], []) == []


@pytest.mark.parametrize(
    ("until_s", "unit", "ticks"),
    [
        (0, "seconds", (0,)),
        (17, "seconds", (0, 5, 10, 15)),
        (299, "seconds", (0, 60, 120, 180, 240)),
        (840, "minutes", (0, 5, 10)),
        (5400, "minutes", (0, 15, 30, 45, 60, 75, 90)),
        (86_400, "hours", (0, 5, 10, 15, 20)),
    ],
)
def test_time_is_told_in_the_unit_that_keeps_figures_short(
    until_s: float, unit: str, ticks: tuple[float, ...]
) -> None:
    time = clock(until_s)

    assert (time.unit, time.ticks) == (unit, ticks)


def test_a_run_of_any_length_has_few_ticks() -> None:
    assert all(len(clock(10**exponent).ticks) <= 8 for exponent in range(9))


def test_a_page_is_taken_to_be_as_narrow_as_it_gets() -> None:
    assert plot_width("container", 446) == 446 - labels.AXIS
    assert plot_width(900, 446) == 900 - labels.AXIS
