"""Latency against calls held, for one component or the whole turn, with the bend marked.

One chart per component, all with the same axes, so that eyes can go from one to the next and the
one that leaves the others is plain. A component far faster than the turn, such as a network of half
a millisecond, keeps the common upper end and gets a lower one of its own: on the common one it
would lie flat at a figure that nobody measured. Both axes are logarithmic where they span much:
levels double, and a queue turns half a second into five.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from otel_voiceload.charts.labels import FONT_HEIGHT, PLAIN, plot_width, spaced, width_of
from otel_voiceload.charts.theme import Spec, Width, chart, component_scale

STATISTICS: Final = ("p50", "p95", "p99")
LEAST_WIDTH: Final = 306  # pixels: the page's column of 340 without its padding
BEND_ROOM: Final = 22  # pixels above the plot for the number of the bend
NAME_ROOM: Final = 7 + width_of("p50-p99")  # pixels right of the last point
FLOOR_S: Final = 0.02  # a network of half a millisecond would squeeze all that matters
LEAST_S: Final = 1e-5  # no clock here tells less; a span of nothing has no logarithm
WIDE_RANGE: Final = 1000.0  # where ticks at 1, 2 and 5 would stand too close


@dataclass(frozen=True, slots=True)
class Point:
    """One level; ``again`` when it was held before and returned to after the peak."""

    calls: float
    again: bool
    samples: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    error_rate: float


@dataclass(frozen=True, slots=True)
class Bend:
    """Where the first component bends; None where a figure is not known."""

    calls: float
    low: float | None
    high: float | None
    climb_from: float | None
    climb_to: float | None


@dataclass(frozen=True, slots=True)
class Axes:
    """The ranges that all curves of a page share."""

    calls: tuple[float, float]
    seconds: tuple[float, float]
    levels: tuple[float, ...]


def shared_axes(curves: Sequence[Sequence[Point]], bend: Bend | None) -> Axes:
    """Ranges that hold the bend's interval and every point at or over the floor."""
    points = [point for curve in curves for point in curve]
    levels = sorted({point.calls for point in points if point.calls > 0})
    marks = [each for each in (bend.low, bend.high) if each] if bend else []
    high_mark = min(max(marks, default=0.0), 2 * max(levels, default=1.0))
    latencies = [
        value for point in points for value in (point.p50_s, point.p95_s, point.p99_s) if value
    ]
    return Axes(
        calls=(min(levels, default=1.0), max([*levels, high_mark], default=1.0)),
        seconds=(
            max(FLOOR_S, min(latencies, default=FLOOR_S) * 0.8),
            max(2 * FLOOR_S, max(latencies, default=1.0) * 1.25),
        ),
        levels=tuple(levels),
    )


def own_axes(axes: Axes, curve: Sequence[Point]) -> Axes:
    """The shared axes; for a curve that goes below them, from the decade under its lowest point."""
    low, high = axes.seconds
    every = [value for point in curve for value in (point.p50_s, point.p95_s, point.p99_s)]
    least = min((value for value in every if value is not None), default=low)
    if least >= low:
        return axes
    decade: float = 10.0 ** math.floor(math.log10(max(least, LEAST_S)))
    return replace(axes, seconds=(decade, high))


def spec(
    name: str,
    curve: Sequence[Point],
    axes: Axes,
    *,
    bend: Bend | None = None,
    bends_here: bool = False,
    subtitle: str | None = None,
    width: Width = "container",
    height: int = 256,
) -> Spec:
    """The chart; the interval and the climb are drawn only where ``bends_here``."""
    axes = own_axes(axes, curve)
    x = _x(axes, plot_width(width, LEAST_WIDTH))
    layers: list[Spec] = []
    if bend is not None:
        layers += _bend_layers(bend, bends_here, x)
    rows = _rows(curve, axes)
    colour = {"datum": name, "type": "nominal", "scale": component_scale(), "legend": None}
    y = {
        "field": "seconds",
        "type": "quantitative",
        "title": "seconds",
        "scale": {"type": "log", "domain": list(axes.seconds), "clamp": True},
        "axis": {"format": PLAIN, "values": _ticks(axes.seconds)},
    }
    shared = {"x": x, "y": y, "color": colour}
    tooltip = [
        {"field": "calls", "title": "calls", "type": "quantitative"},
        {"field": "statistic", "type": "nominal"},
        {"field": "measured", "title": "seconds", "type": "quantitative", "format": ".3f"},
        {"field": "samples", "title": "turns", "type": "quantitative"},
        {"field": "errors", "type": "quantitative", "format": ".1%"},
    ]
    dash = {
        "field": "statistic",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(STATISTICS), "range": [[1, 0], [6, 3], [1, 3]]},
    }
    first = [row for row in rows if not row["again"]]
    layers += [
        {
            "data": {"values": first},
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {**shared, "strokeDash": dash},
        },
        {
            "data": {"values": first},
            "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
            "encoding": {**shared, "tooltip": tooltip},
        },
        {
            "data": {"values": [row for row in rows if row["again"]]},
            "mark": {"type": "point", "filled": False, "size": 70, "shape": "diamond"},
            "encoding": {**shared, "tooltip": tooltip},
        },
        {
            "data": {"values": _labels(first, axes, height)},
            "mark": {"type": "text", "align": "left", "dx": 7},
            "encoding": {**shared, "text": {"field": "statistic", "type": "nominal"}},
        },
    ]
    drawing = chart(width=width, height=height, title=name, subtitle=subtitle)
    if bend is not None:  # its number stands above the plot, where no line and no name is
        drawing["title"]["offset"] = BEND_ROOM
    return {**drawing, "layer": layers}


def _rows(curve: Sequence[Point], axes: Axes) -> list[dict[str, Any]]:
    return [
        {
            "calls": point.calls,
            "again": point.again,
            "statistic": statistic,
            "seconds": max(seconds, axes.seconds[0]),  # nothing has no logarithm
            "measured": seconds,
            "samples": point.samples,
            "errors": point.error_rate,
        }
        for point in curve
        for statistic, seconds in zip(
            STATISTICS, (point.p50_s, point.p95_s, point.p99_s), strict=True
        )
        if seconds is not None and point.calls > 0
    ]


def _labels(rows: list[dict[str, Any]], axes: Axes, height: int) -> list[dict[str, Any]]:
    """A name at the right end of each line; lines that end on each other share one label."""
    low, high = axes.seconds
    plot_height = max(40, height - 90)  # without title and axis
    apart = math.log(high / low) * FONT_HEIGHT / plot_height
    labels: list[dict[str, Any]] = []
    for statistic in STATISTICS:
        line = [row for row in rows if row["statistic"] == statistic]
        if not line:
            continue
        last = max(line, key=lambda row: float(row["calls"]))
        if labels and math.log(last["seconds"] / labels[-1]["seconds"]) < apart:
            labels[-1]["statistic"] = f"{labels[-1]['statistic'][:3]}-{statistic}"
        else:
            labels.append({**last})
    return labels


def _ticks(seconds: tuple[float, float]) -> list[float]:
    """1, 2 and 5 of each decade, or 1 of many; else the axis draws a line for every digit."""
    low, high = seconds
    digits = (1,) if high / low > WIDE_RANGE else (1, 2, 5)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
    return [step for step in steps if low <= step <= high]


def _x(axes: Axes, across: float) -> dict[str, Any]:
    """The axis of calls; ``across`` is the plot's width in pixels, names of the lines and all."""
    low, high = axes.calls
    wide = low > 0 and high / low >= 4
    share = min(0.5, NAME_ROOM / across)  # of the plot, for the names
    span = (high - low) or 1.0
    if wide:
        start = low / 1.15
        end = start * math.pow(high / start, 1 / (1 - share))
    else:
        start = low - span * 0.08
        end = start + span * 1.08 / (1 - share)

    def place(calls: float) -> float:
        if wide:
            return across * math.log(calls / start) / math.log(end / start)
        return across * (calls - start) / (end - start)

    texts = [f"{calls:g}" for calls in axes.levels]
    shown = spaced([place(calls) for calls in axes.levels], texts)
    return {
        "field": "calls",
        "type": "quantitative",
        "title": "calls held",
        "axis": {
            "format": PLAIN,
            "grid": False,
            "values": [axes.levels[index] for index in shown],
        },
        "scale": {
            "type": "log" if wide else "linear",
            **({"base": 2} if wide else {}),
            "domain": [start, end],
            "nice": False,
            "clamp": True,
        },
    }


def _bend_layers(bend: Bend, bends_here: bool, x: dict[str, Any]) -> list[Spec]:
    layers: list[Spec] = []

    def band(low: float | None, high: float | None, style: str) -> None:
        if low is not None and high is not None:
            layers.append(
                {
                    "data": {"values": [{"calls": low, "until": high}]},
                    "mark": {"type": "rect", "style": style},
                    "encoding": {"x": x, "x2": {"field": "until"}},
                }
            )

    if bends_here:
        band(bend.climb_from, bend.climb_to, "climb")
        band(bend.low, bend.high, "interval")
    at = {"data": {"values": [{"calls": bend.calls}]}}
    rule = {"type": "rule", "style": "bend", "strokeWidth": 2 if bends_here else 1}
    layers.append(
        {
            **at,
            "mark": {**rule, **({} if bends_here else {"strokeDash": [2, 4], "opacity": 0.6})},
            "encoding": {"x": x},
        }
    )
    if bends_here:
        label = {"type": "text", "style": "bend-label", "y": 0, "dy": -8, "align": "center"}
        layers.append(
            {
                **at,
                "mark": {**label, "text": f"{bend.calls:.0f} calls"},
                "encoding": {"x": x},
            }
        )
    return layers
