from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otel_voiceload.analysis.levels import Columns, HeldLevel, came_back, gather
from tests.analysis.shapes import level


def blocks(*rows: tuple[int, float, str, int, float, float, bool]) -> Columns:
    """(level_no, level, kind, block, seconds, call_seconds, limited) per row."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    return {
        "level_no": np.array(columns[0], dtype=int),
        "level": np.array(columns[1], dtype=float),
        "kind": np.array(columns[2], dtype=object),
        "stage_index": np.array(columns[0], dtype=float),
        "phase": np.array(["ramp"] * len(rows), dtype=object),
        "block": np.array(columns[3], dtype=int),
        "seconds": np.array(columns[4], dtype=float),
        "call_seconds": np.array(columns[5], dtype=float),
        "limited": np.array(columns[6], dtype=bool),
        "start_s": np.array(columns[0], dtype=float) * 10,
        "start_ns": np.array(columns[0], dtype=np.int64) * 10_000_000_000,
    }


def cells(*rows: tuple[str, int, int, int, float]) -> Columns:
    """(component, level_no, block, turns, mean) per row; all turns of a cell alike."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    turns, means = np.array(columns[3], dtype=float), np.array(columns[4], dtype=float)
    return {
        "component": np.array(columns[0], dtype=object),
        "level_no": np.array(columns[1], dtype=int),
        "block": np.array(columns[2], dtype=int),
        "first": np.zeros(len(rows), dtype=bool),
        "turns": turns,
        "sum_s": turns * means,
        "sum_squares": turns * means**2,
        "errors": np.zeros(len(rows), dtype=int),
    }


def finished(*rows: tuple[str, int, int, int]) -> Columns:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    return {
        "component": np.array(columns[0], dtype=object),
        "level_no": np.array(columns[1], dtype=int),
        "block": np.array(columns[2], dtype=int),
        "finished": np.array(columns[3], dtype=int),
        "ended": np.array(columns[3], dtype=int) + 2,
    }


NO_CYCLES: Columns = {
    "level_no": np.array([], dtype=int),
    "cycles": np.array([], dtype=float),
    "sum_s": np.array([], dtype=float),
}


def held(
    number: int, calls: float, *, limited: bool = False
) -> list[tuple[int, float, str, int, float, float, bool]]:
    return [(number, calls, "held", block, 2.0, 2.0 * calls, limited) for block in range(4)]


def test_a_short_incident_does_not_move_a_levels_latency() -> None:
    rows = [("llm", 0, block, 10, 0.5 if block != 2 else 9.0) for block in range(4)]
    found = gather(blocks(*held(0, 10)), cells(*rows), finished(), NO_CYCLES)
    (level,) = found.rising
    assert found.points["llm"][level].mean_s == pytest.approx(0.5)


def test_throughput_is_what_was_finished_per_counted_second() -> None:
    found = gather(
        blocks(*held(0, 10)),
        cells(*[("llm", 0, block, 10, 0.5) for block in range(4)]),
        finished(("llm", 0, 0, 6), ("llm", 0, 3, 10)),
        NO_CYCLES,
    )
    (level,) = found.rising
    assert found.points["llm"][level].rate == 2.0
    assert found.points["llm"][level].finished == (6.0, 0.0, 0.0, 10.0)
    assert found.points["llm"][level].ended_rate == 2.5


@pytest.mark.parametrize(
    ("levels", "up", "back"),
    [
        ((12, 24, 48, 24), [12, 24, 48], [24]),
        ((12, 24, 48, 36), [12, 24, 48], [36]),  # new, and come down to
        ((12, 24, 48, 24, 36), [12, 24, 36, 48], [24]),  # climbed to from below: a search
        ((12, 24, 48, 12, 24), [12, 24, 48], [12, 24]),  # known before the peak
    ],
)
def test_the_way_back_down_is_kept_apart_from_the_way_up(
    levels: tuple[int, ...], up: list[float], back: list[float]
) -> None:
    rows = [row for number, calls in enumerate(levels) for row in held(number, calls)]
    found = gather(blocks(*rows), cells(), finished(), NO_CYCLES)
    assert [level.asked for level in found.rising] == up
    assert [level.asked for level in found.returned] == back


def test_a_lower_level_of_another_phase_is_no_part_of_the_climb() -> None:
    rows = [row for number, calls in enumerate((12, 48, 24, 36)) for row in held(number, calls)]
    columns = dict(blocks(*rows))
    columns["phase"] = np.array(["ramp"] * 8 + ["scale"] * 8, dtype=object)
    found = gather(columns, cells(), finished(), NO_CYCLES)
    assert [level.asked for level in found.returned] == [24, 36]


@pytest.mark.parametrize(("back", "returned"), [(20.0, True), (75.0, False), (100.0, False)])
def test_a_hold_after_a_ramp_went_well_beyond_it_is_on_the_way_down(
    back: float, returned: bool
) -> None:
    bins = [(10_000 + index, 20.0 * 2**index, "bin", 0, 5.0, 50.0, False) for index in range(3)]
    turns = [("turn", number, 0, 30, 1.0) for number, *_ in bins]
    rows = [*bins, *held(20_000, back)]
    found = gather(blocks(*rows), cells(*turns), finished(), NO_CYCLES)
    assert [level.asked for level in found.returned] == ([back] if returned else [])


def test_a_level_where_the_generator_was_the_limit_is_no_evidence() -> None:
    rows = [*held(0, 12), *held(1, 24, limited=True), *held(2, 24)]
    found = gather(blocks(*rows), cells(), finished(), NO_CYCLES)
    assert [level.numbers for level in found.rising] == [(0,), (2,)]


def test_thin_bins_of_a_ramp_are_joined_upwards() -> None:
    bins = [(10_000 + index, 10.0 + index, "bin", 0, 5.0, 50.0, False) for index in range(4)]
    turns = [
        ("turn", 10_000, 0, 12, 1.0),
        ("turn", 10_001, 0, 12, 1.0),
        ("turn", 10_002, 0, 25, 1.0),
    ]
    found = gather(blocks(*bins), cells(*turns), finished(), NO_CYCLES)
    # The last one is too thin and there is none above: it joins the one below.
    assert [level.numbers for level in found.rising] == [(10_000, 10_001), (10_002, 10_003)]


def test_a_component_that_was_hardly_seen_has_no_series() -> None:
    found = gather(
        blocks(*held(0, 10), *held(1, 20)),
        cells(("tts", 0, 0, 3, 0.1), ("tts", 1, 0, 30, 0.1)),
        finished(),
        NO_CYCLES,
    )
    assert [level.asked for level, _ in found.series("tts")] == [20]


def test_nothing_gives_nothing() -> None:
    found = gather(blocks(), cells(), finished(), NO_CYCLES)
    assert found.rising == found.returned == ()
    assert found.components() == ()


def test_first_turns_count_only_where_the_load_came_back_to() -> None:
    rows = [*held(0, 12), *held(1, 24), *held(2, 12)]
    cold = cells(("llm", 0, 0, 20, 0.5), ("llm", 0, 1, 5, 3.0), ("llm", 2, 0, 20, 0.6))
    cold = {**cold, "first": np.array([False, True, True])}
    found = gather(blocks(*rows), cold, finished(), NO_CYCLES)
    (up, _), (back,) = found.rising, found.returned
    assert found.points["llm"][up].mean_s == pytest.approx(0.5)
    assert back not in found.points["llm"]
    assert found.with_first["llm"][back].turns == 20


@pytest.mark.parametrize(("held", "name"), [(19.2, 20), (20.4, 20), (18.0, 20), (11.0, 11)])
def test_a_level_is_named_as_it_was_asked_unless_far_less_was_held(held: float, name: int) -> None:
    assert replace(level(0, held), asked=20.0).named == name


def test_a_level_that_the_load_came_back_down_to_stays_one_without_its_peak() -> None:
    run = [HeldLevel(i, calls, "ramp", i, i + 1) for i, calls in enumerate((12, 24, 48, 24))]
    assert came_back(run) == {3}
    rows = held(3, 24)
    found = gather(
        blocks(*rows), cells(("turn", 3, 0, 9, 0.5)), finished(), NO_CYCLES, returned=came_back(run)
    )
    assert (found.rising, [level.asked for level in found.returned]) == ((), [24])
