from __future__ import annotations

from typing import Any

import pytest

from otel_voiceload.charts import latency_curve
from otel_voiceload.charts.latency_curve import Bend, Point

BEND = Bend(calls=46, low=41, high=52, climb_from=38, climb_to=61)


def point(calls: float, p50: float, *, again: bool = False, p95: float | None = None) -> Point:
    return Point(calls, again, 30, p50, p50 * 1.5 if p95 is None else p95, None, 0.0)


CURVE = [point(12, 0.5), point(24, 0.5), point(48, 0.7), point(96, 4.0), point(24, 0.5, again=True)]


def layers(spec: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == kind]


def test_the_bend_has_its_interval_and_climb_only_where_it_happens() -> None:
    axes = latency_curve.shared_axes([CURVE], BEND)

    here = latency_curve.spec("llm", CURVE, axes, bend=BEND, bends_here=True)
    elsewhere = latency_curve.spec("stt", CURVE, axes, bend=BEND)

    bands = [layer["mark"]["style"] for layer in layers(here, "rect")]
    assert bands == ["climb", "interval"]
    assert layers(elsewhere, "rect") == []
    assert [len(layers(spec, "rule")) for spec in (here, elsewhere)] == [1, 1]


def test_a_level_returned_to_is_a_mark_beside_the_line_and_not_on_it() -> None:
    axes = latency_curve.shared_axes([CURVE], None)
    spec = latency_curve.spec("llm", CURVE, axes)
    line = layers(spec, "line")[0]["data"]["values"]
    diamonds = [layer for layer in layers(spec, "point") if layer["mark"].get("shape")]

    assert {row["calls"] for row in line} == {12, 24, 48, 96}
    assert {row["again"] for row in line} == {False}
    assert {row["calls"] for row in diamonds[0]["data"]["values"]} == {24}


def test_all_curves_of_a_page_share_axes_that_hold_every_point() -> None:
    axes = latency_curve.shared_axes([CURVE, [point(12, 0.04)]], BEND)

    assert axes.calls == (12, 96)
    assert axes.seconds[0] < 0.04
    assert axes.seconds[1] > 6.0
    assert axes.levels == (12, 24, 48, 96)


@pytest.mark.parametrize(
    ("last", "labels"),
    [
        (Point(10, False, 9, 0.1, 1.0, 5.0, 0.0), ["p50", "p95", "p99"]),
        (Point(10, False, 9, 1.0, 1.01, 5.0, 0.0), ["p50-p95", "p99"]),
        (Point(10, False, 9, 1.0, 1.01, 1.02, 0.0), ["p50-p99"]),
    ],
)
def test_lines_that_end_on_each_other_share_a_label(last: Point, labels: list[str]) -> None:
    axes = latency_curve.Axes((1, 10), (0.01, 10), (1, 10))
    spec = latency_curve.spec("llm", [last], axes)
    named = layers(spec, "text")[-1]["data"]["values"]

    assert [row["statistic"] for row in named] == labels


def test_no_time_at_all_stays_on_a_logarithmic_axis() -> None:
    curve = [point(12, 0.0), point(24, 0.0)]
    axes = latency_curve.shared_axes([curve, CURVE], None)
    spec = latency_curve.spec("network", curve, axes)
    rows = layers(spec, "line")[0]["data"]["values"]

    assert {row["measured"] for row in rows} == {0.0}
    assert {row["seconds"] for row in rows} == {latency_curve.LEAST_S}


def test_a_fast_network_does_not_squeeze_the_other_curves() -> None:
    axes = latency_curve.shared_axes([CURVE, [point(12, 0.0005)]], None)

    assert axes.seconds[0] == latency_curve.FLOOR_S


@pytest.mark.parametrize(
    ("p50", "lower_end"), [(0.0005, 0.0001), (0.010, 0.01), (0.015, 0.01), (0.5, 0.4)]
)
def test_every_point_stands_at_its_own_height(p50: float, lower_end: float) -> None:
    curve = [point(12, p50), point(48, 2 * p50)]
    axes = latency_curve.shared_axes([CURVE], None)
    spec = latency_curve.spec("network", curve, axes)
    line = layers(spec, "line")[0]

    assert all(row["seconds"] == row["measured"] for row in line["data"]["values"])
    assert line["encoding"]["y"]["scale"]["domain"] == pytest.approx([lower_end, axes.seconds[1]])


def test_unknown_percentiles_are_left_out() -> None:
    curve = [Point(12, False, 3, None, None, None, 0.0)]
    axes = latency_curve.shared_axes([curve], None)
    spec = latency_curve.spec("llm", curve, axes)

    assert layers(spec, "line")[0]["data"]["values"] == []


def test_levels_whose_numbers_would_meet_are_thinned() -> None:
    curve = [point(calls, 0.5) for calls in (*range(100, 130, 2), 640)]
    spec = latency_curve.spec("llm", curve, latency_curve.shared_axes([curve], None), width=325)
    values = layers(spec, "line")[0]["encoding"]["x"]["axis"]["values"]

    assert values[0] == 100
    assert values[-1] == 640
    assert len(values) < 5
