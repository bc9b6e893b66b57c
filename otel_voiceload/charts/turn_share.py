"""Where the time of a turn goes, level by level, with a part for what nobody accounts for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

from otel_voiceload.charts.labels import FONT_HEIGHT, GAP, plot_width, width_of
from otel_voiceload.charts.theme import Spec, Width, chart, component_scale, place

LEAST_WIDTH: Final = 446  # pixels: the page's column of 480 without its padding
INNER: Final = 0.35  # of a step, free between two bars
# The width that the page gives is known only when it is drawn; so is how much a bar has then.
_STEP: Final = f"bandwidth('x') / {1 - INNER}"


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
    texts = {number: f"{total:.2f}" for number, total in totals.items()}
    upright = max(map(width_of, texts.values()), default=0.0) + GAP
    lying = f"{_STEP} >= {upright:.0f}"
    angle = _angle([names[number] for number in totals], width)
    x: dict[str, Any] = {
        "field": "level",
        "type": "ordinal",
        "sort": list(names.values()),
        "title": "calls held",
        "axis": {
            "labelAngle": angle,
            "labelOverlap": "greedy",
            "grid": False,
        },
        "scale": {"paddingInner": INNER},
    }
    present = sorted({row["component"] for row in known}, key=place)
    turned = max(map(width_of, names.values()), default=0.0) if angle else 0.0
    drawing = chart(
        width=width,
        height=round(height + turned + upright),
        title="Share of the turn",
        subtitle="mean of each component; the mean turn's seconds above",
    )
    drawing["title"]["offset"] = round(upright) + GAP  # room for seconds that stand on end
    return {
        **drawing,
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
                        {"level": names[number], "text": text, "share": 1.0}
                        for number, text in texts.items()
                    ]
                },
                "mark": {
                    "type": "text",
                    "angle": {"expr": f"{lying} ? 0 : -90"},
                    "align": {"expr": f"{lying} ? 'center' : 'left'"},
                    "dx": {"expr": f"{lying} ? 0 : {GAP}"},
                    "dy": {"expr": f"{lying} ? -8 : 0"},
                    "opacity": {"expr": f"{_STEP} >= {FONT_HEIGHT - 1} ? 1 : 0"},
                },
                "encoding": {
                    "x": x,
                    "y": {"field": "share", "type": "quantitative"},
                    "text": {"field": "text", "type": "nominal"},
                },
            },
        ],
    }


def _angle(names: Sequence[str], width: Width) -> int:
    """Level while all labels fit beside each other, else on end."""
    step = plot_width(width, LEAST_WIDTH) / max(1, len(names))
    return 0 if all(width_of(name) + GAP <= step for name in names) else -90


def level_names(rows: Sequence[Share]) -> dict[int, str]:
    """``24``, then ``24 again``, then ``24 (3)``; in the order they were held."""
    names: dict[int, str] = {}
    times: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row["level_no"]):
        if row["level_no"] in names:
            continue
        level = f"{row['level']:g}"
        times[level] = times.get(level, 0) + 1
        suffix = {1: "", 2: " again"}.get(times[level], f" ({times[level]})")
        names[row["level_no"]] = level + suffix
    return names
