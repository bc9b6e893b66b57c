"""Calls asked for against calls held: whether the load that the verdict rests on really stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from otel_voiceload.charts.theme import Spec, Width, chart


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
    height: int = 220,
) -> Spec:
    """The chart; ``bend_calls`` is drawn across, so that one sees which stages went past it."""
    asked = [row for row in rows if row["series"] == "asked"]
    held = [row for row in rows if row["series"] == "held"]
    stage_starts = asked[::2]  # a start and an end per stage, in order
    x = {
        "field": "at_s",
        "type": "quantitative",
        "title": "seconds since the first stage",
        "axis": {"grid": False, "format": "~g"},
        "scale": {"nice": False},
    }
    y: dict[str, Any] = {"field": "calls", "type": "quantitative", "title": "calls"}
    tooltip = [
        {"field": "at_s", "title": "seconds", "type": "quantitative", "format": ".1f"},
        {"field": "calls", "type": "quantitative"},
    ]
    layers: list[Spec] = [
        {
            "data": {"values": [{"at_s": row["at_s"], "calls": row["calls"]} for row in held]},
            "mark": {"type": "area", "style": "held", "interpolate": "step-after", "line": True},
            "encoding": {"x": x, "y": y, "tooltip": tooltip},
        },
        {
            "data": {"values": [{**row, "order": place} for place, row in enumerate(asked)]},
            "mark": {"type": "line", "style": "asked", "strokeWidth": 1.5, "strokeDash": [5, 3]},
            "encoding": {"x": x, "y": y, "order": {"field": "order", "type": "quantitative"}},
        },
        {
            "data": {
                "values": [
                    {
                        "at_s": row["at_s"],
                        "calls": row["calls"],
                        "text": f"{row['calls']:g}",
                    }
                    for row in stage_starts
                ]
            },
            "mark": {"type": "text", "align": "left", "dx": 3, "dy": -7},
            "encoding": {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}},
        },
    ]
    if bend_calls is not None:
        at = {"data": {"values": [{"calls": bend_calls}]}}
        layers += [
            {**at, "mark": {"type": "rule", "style": "bend"}, "encoding": {"y": y}},
            {
                **at,
                "mark": {
                    "type": "text",
                    "style": "bend-label",
                    "x": 4,
                    "dy": -6,
                    "align": "left",
                    "text": bend_label,
                },
                "encoding": {"y": y},
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
