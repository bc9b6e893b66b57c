"""Calls asked for against calls held: whether the load that the verdict rests on really stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from otel_voiceload.charts.labels import FONT_HEIGHT, PLAIN, Box, clock, free, plot_width, width_of
from otel_voiceload.charts.theme import Spec, Width, chart

LEAST_WIDTH: Final = 446  # pixels: the page's column of 480 without its padding
SIDE: Final = 5  # pixels from the start of a stage to its number


class TimelinePoint(TypedDict):
    """Calls at a moment: ``asked`` at a stage's start or end, ``held`` as counted."""

    series: str
    at_s: float
    calls: float
    stage_index: int | None
    phase: str | None


def spec(
    rows: Sequence[TimelinePoint],
    *,
    bend_calls: float | None = None,
    bend_label: str = "",
    width: Width = "container",
    height: int = 260,
) -> Spec:
    """The chart; ``bend_calls`` is drawn across, so that one sees which stages went past it."""
    asked = [row for row in rows if row["series"] == "asked"]
    held = [row for row in rows if row["series"] == "held"]
    until_s = max((row["at_s"] for row in rows), default=0.0)
    time = clock(until_s)
    stand = _standing(rows, asked, bend_calls, bend_label, plot_width(width, LEAST_WIDTH), height)
    x = {
        "field": "at",
        "type": "quantitative",
        "title": f"{time.unit} since the first stage",
        "axis": {"grid": False, "format": PLAIN, "values": list(time.ticks)},
        "scale": {"nice": False, "domain": [0, max(until_s, 1.0) / time.unit_s]},
    }
    y: dict[str, Any] = {"field": "calls", "type": "quantitative", "title": "calls"}
    tooltip = [
        {"field": "at", "title": time.unit, "type": "quantitative", "format": ".1f"},
        {"field": "calls", "type": "quantitative"},
    ]
    layers: list[Spec] = [
        {
            "data": {
                "values": [{"at": row["at_s"] / time.unit_s, "calls": row["calls"]} for row in held]
            },
            "mark": {"type": "area", "style": "held", "interpolate": "step-after", "line": True},
            "encoding": {"x": x, "y": y, "tooltip": tooltip},
        },
        {
            "data": {
                "values": [
                    {"at": row["at_s"] / time.unit_s, "calls": row["calls"], "order": place}
                    for place, row in enumerate(asked)
                ]
            },
            "mark": {"type": "line", "style": "asked", "strokeWidth": 1.5, "strokeDash": [5, 3]},
            "encoding": {"x": x, "y": y, "order": {"field": "order", "type": "quantitative"}},
        },
        {
            "data": {
                "values": [
                    {
                        "at": row["at_s"] / time.unit_s,
                        "calls": row["calls"],
                        "text": f"{row['calls']:g}",
                    }
                    for row in stand.stages
                ]
            },
            "mark": {"type": "text", "align": "left", "dx": SIDE, "dy": -7},
            "encoding": {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}},
        },
    ]
    if bend_calls is not None:
        at = {"data": {"values": [{"calls": bend_calls, "at": stand.bend_s / time.unit_s}]}}
        layers += [
            {**at, "mark": {"type": "rule", "style": "bend"}, "encoding": {"y": y}},
            {
                **at,
                "mark": {
                    "type": "text",
                    "style": "bend-label",
                    "dx": SIDE,
                    "dy": -6,
                    "align": "left",
                    "text": bend_label,
                },
                "encoding": {"x": x, "y": y},
            },
        ]
    return {
        **chart(
            width=width,
            height=height,
            title="Calls over time",
            subtitle="area: calls held; dashed: calls asked for",
        ),
        "layer": layers,
    }


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is written in the plot: numbers at these stages, words of the bend from ``bend_s``."""

    stages: list[TimelinePoint]
    bend_s: float


def _standing(
    rows: Sequence[TimelinePoint],
    asked: Sequence[TimelinePoint],
    bend_calls: float | None,
    bend_label: str,
    across: float,
    height: int,
) -> _Standing:
    """The stages whose number stands on nothing, the highest before the lower ones."""
    high = max(40, height - 100)  # without title and axis
    until_s = max((row["at_s"] for row in rows), default=0.0) or 1.0
    peak = max([*(row["calls"] for row in rows), bend_calls or 0.0]) or 1.0
    pixel_s = until_s / across

    def crossed(from_s: float, wide: float, calls: float) -> bool:
        """Whether the load asked for rises through a text of so many pixels."""
        until = from_s + (SIDE + wide) * pixel_s
        stages = zip(asked[::2], asked[1::2], strict=False)  # a start and an end each, in order
        return any(
            max(start["calls"], end["calls"]) > calls
            for start, end in stages
            if start["at_s"] < until and end["at_s"] > from_s
        )

    def box(from_s: float, calls: float, wide: float) -> Box:
        left, bottom = from_s / pixel_s + SIDE, high * (1 - calls / peak)
        return Box(left, left + wide, bottom - FONT_HEIGHT, bottom)

    taken, bend_s = [], 0.0
    if bend_calls is not None:
        wide = 1.2 * width_of(bend_label)  # bold, and a little larger than the rest
        last = until_s - (SIDE + wide) * pixel_s
        starts = [0.0, *(row["at_s"] for row in asked if row["at_s"] <= last)]
        bend_s = next((at for at in starts if not crossed(at, wide, bend_calls)), 0.0)
        taken.append(box(bend_s, bend_calls, wide))
    ordered = sorted(
        (
            row
            for row in asked[::2]
            if not crossed(row["at_s"], width_of(f"{row['calls']:g}"), row["calls"])
        ),
        key=lambda row: -row["calls"],
    )
    boxes = [box(row["at_s"], row["calls"], width_of(f"{row['calls']:g}")) for row in ordered]
    kept = [ordered[place] for place in free(boxes, taken)]
    return _Standing(sorted(kept, key=lambda row: row["at_s"]), bend_s)
