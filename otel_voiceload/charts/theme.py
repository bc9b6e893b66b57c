"""Colours and type of every chart, for light and for dark paper.

One colour stands for one component in all charts. The hues were picked to stay apart for readers
who see few of them; where two lines could be confused a label stands beside the line as well.
"""

from __future__ import annotations

from typing import Any, Final, Literal

Scheme = Literal["light", "dark"]
Width = int | Literal["container"]
Spec = dict[str, Any]  # Any: a Vega-Lite specification is free-form JSON

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"

# The order is the order of a turn, and of the colours below.
NAMES: Final = (
    "network",
    "endpointing",
    "stt",
    "llm",
    "text_aggregation",
    "tool",
    "tts",
    "unattributed",
    "turn",
)
_COLOURS: Final[dict[Scheme, tuple[str, ...]]] = {
    "light": (
        "#7a5fb5",
        "#b8860b",
        "#1f77b4",
        "#d1622b",
        "#a1527a",
        "#2a9d8f",
        "#3a9a4e",
        "#a3a8b0",
        "#374151",
    ),
    "dark": (
        "#b39ddb",
        "#e0b84c",
        "#64b5f6",
        "#ff9a62",
        "#e08fb6",
        "#5fd0c0",
        "#7fd38c",
        "#7c8290",
        "#e5e7eb",
    ),
}
_PAPER: Final[dict[Scheme, dict[str, str]]] = {
    "light": {
        "text": "#1f2430",
        "muted": "#6b7280",
        "grid": "#e6e8ec",
        "paper": "#ffffff",
        "bend": "#be123c",
        "area": "#94a3b8",
    },
    "dark": {
        "text": "#e5e7eb",
        "muted": "#9aa3b2",
        "grid": "#2c313b",
        "paper": "#16191f",
        "bend": "#fb7185",
        "area": "#64748b",
    },
}
FONT: Final = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"


def config(scheme: Scheme, *, opaque: bool = False) -> dict[str, Any]:
    """The Vega-Lite config of a scheme; ``opaque`` paints the paper too, for files that travel."""
    paper = _PAPER[scheme]
    return {
        "background": paper["paper"] if opaque else None,
        "font": FONT,
        "range": {"category": list(_COLOURS[scheme])},
        "view": {"stroke": None},
        "title": {
            "color": paper["text"],
            "subtitleColor": paper["muted"],
            "anchor": "start",
            "fontSize": 14,
            "subtitleFontSize": 12,
            "subtitlePadding": 3,
            "offset": 8,
        },
        "axis": {
            "labelColor": paper["muted"],
            "titleColor": paper["muted"],
            "gridColor": paper["grid"],
            "domainColor": paper["grid"],
            "tickColor": paper["grid"],
            "titleFontWeight": "normal",
            "labelFontSize": 11,
            "titleFontSize": 11,
        },
        "legend": {
            "labelColor": paper["text"],
            "titleColor": paper["muted"],
            "labelFontSize": 11,
            "orient": "bottom",
            "title": None,
            "symbolType": "square",
            "columnPadding": 16,
        },
        "text": {"color": paper["text"], "fontSize": 11},
        "style": {
            "bend": {"color": paper["bend"], "stroke": paper["bend"]},
            "bend-label": {"color": paper["bend"], "fontWeight": "bold", "fontSize": 12},
            "interval": {"color": paper["bend"], "opacity": 0.18},
            "climb": {"color": paper["bend"], "opacity": 0.09},
            "held": {"color": paper["area"], "fillOpacity": 0.35, "stroke": paper["area"]},
            "asked": {"color": paper["text"], "stroke": paper["text"]},
        },
    }


def component_scale() -> dict[str, Any]:
    """The colour scale of components: the whole list, so that a colour never shifts."""
    return {"domain": list(NAMES), "range": "category"}


def place(component: str) -> int:
    """Where in a turn a component stands; names nobody foresaw come last."""
    return NAMES.index(component) if component in NAMES else len(NAMES)


def chart(*, width: Width, height: int, title: str, subtitle: str | None = None) -> Spec:
    """What every specification begins with."""
    heading: dict[str, Any] = {"text": title}
    if subtitle:
        heading["subtitle"] = subtitle
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "title": heading,
    }
