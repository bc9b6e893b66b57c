"""Where the time of a turn goes, level by level, with a part for what nobody accounts for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from otel_voiceload.charts.theme import Spec, Width, chart, component_scale, place


class Share(TypedDict):
    """One component of the mean turn at one level; seconds, and its share of 0..1."""

    level_no: int
    level: float
    component: str
    turns: int
    mean_s: float | None
    share: float | None


def spec(rows: Sequence[Share], *, width: Width = "container", height: int = 260) -> Spec:
    """Bars of 100 % in the order the levels were held, the mean turn's seconds above each."""
    names = level_names(rows)
    known = [row for row in rows if row["share"] is not None and row["mean_s"] is not None]
    values = [
        {
            "level": names[row["level_no"]],
            "component": row["component"],
            "share": row["share"],
            "seconds": row["mean_s"],
            "turns": row["turns"],
            "order": place(row["component"]),
        }
        for row in known
    ]
    totals: dict[int, float] = {}
    for row in known:
        totals[row["level_no"]] = totals.get(row["level_no"], 0.0) + (row["mean_s"] or 0.0)
    x: dict[str, Any] = {
        "field": "level",
        "type": "ordinal",
        "sort": list(names.values()),
        "title": "calls held",
        "axis": {"labelAngle": 0, "grid": False},
        "scale": {"paddingInner": 0.35},
    }
    present = sorted({row["component"] for row in known}, key=place)
    return {
        **chart(
            width=width,
            height=height,
            title="Share of the turn",
            subtitle="mean of each component; the mean turn's seconds above",
        ),
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "bar"},
                "encoding": {
                    "x": x,
                    "y": {
                        "field": "share",
                        "type": "quantitative",
                        "stack": "zero",
                        "title": None,
                        "scale": {"domain": [0, 1]},
                        "axis": {"format": ".0%", "tickCount": 5},
                    },
                    "order": {"field": "order", "type": "quantitative"},
                    "color": {
                        "field": "component",
                        "type": "nominal",
                        "scale": component_scale(),
                        "legend": {"values": present},
                    },
                    "tooltip": [
                        {"field": "level", "title": "calls", "type": "nominal"},
                        {"field": "component", "type": "nominal"},
                        {"field": "seconds", "type": "quantitative", "format": ".3f"},
                        {"field": "share", "type": "quantitative", "format": ".1%"},
                        {"field": "turns", "type": "quantitative"},
                    ],
                },
            },
            {
                "data": {
                    "values": [
                        {"level": names[number], "text": f"{total:.2f} s", "share": 1.0}
                        for number, total in totals.items()
                    ]
                },
                "mark": {"type": "text", "dy": -8},
                "encoding": {
                    "x": x,
                    "y": {"field": "share", "type": "quantitative"},
                    "text": {"field": "text", "type": "nominal"},
                },
            },
        ],
    }


def level_names(rows: Sequence[Share]) -> dict[int, str]:
    """``24``, and ``24 again`` for a level that is returned to; in the order they were held."""
    names: dict[int, str] = {}
    for row in sorted(rows, key=lambda row: row["level_no"]):
        if row["level_no"] in names:
            continue
        name = f"{row['level']:g}"
        while name in names.values():
            name += " again"
        names[row["level_no"]] = name
    return names
