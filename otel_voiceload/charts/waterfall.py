"""One turn, piece by piece, from the caller's last sample to the agent's first voice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from otel_voiceload.charts.labels import PLAIN
from otel_voiceload.charts.theme import Spec, Width, chart, component_scale, place

SMALLEST_GAP_S = 0.001  # below a millisecond a gap is rounding, not time that somebody spent


class ExemplarSpan(TypedDict):
    """One component attempt of one chosen turn; seconds since the caller stopped speaking.

    A turn that came without component timing has one row whose component is None.
    """

    exemplar: str
    call_id: str
    turn_index: int
    calls: float | None
    latency_s: float
    component: str | None
    attempt: int | None
    start_s: float | None
    end_s: float | None
    source: str | None
    error_type: str | None


def spec(
    spans: Sequence[ExemplarSpan],
    *,
    title: str,
    subtitle: str,
    width: Width = "container",
    height: int = 170,
) -> Spec:
    """The chart of one turn; ``spans`` all belong to it."""
    latency = spans[0]["latency_s"]
    bars = _bars(spans, latency)
    # Ends before the start, or far outside the turn, come from clocks that disagree; the axis stays
    # with the turn, and what sticks out is clipped rather than squeezing everything else.
    x = {
        "type": "quantitative",
        "title": "seconds since the caller stopped",
        "scale": {"domain": [0, latency * 1.08], "nice": False, "clamp": True},
        "axis": {"format": PLAIN, "tickCount": 6},
    }
    present = sorted({bar["component"] for bar in bars}, key=place)
    y = {
        "field": "component",
        "type": "nominal",
        "title": None,
        "sort": present,
        "axis": {"minExtent": 92},  # the same in all four, so that their zeros stand in one line
    }
    return {
        **chart(width=width, height=height, title=title, subtitle=subtitle),
        "layer": [
            {
                "data": {"values": bars},
                "mark": {"type": "bar", "cornerRadius": 2, "clip": True},
                "encoding": {
                    "x": {**x, "field": "start"},
                    "x2": {"field": "end"},
                    "y": y,
                    "color": {
                        "field": "component",
                        "type": "nominal",
                        "scale": component_scale(),
                        "legend": None,
                    },
                    "opacity": {
                        "condition": {"test": "datum.failed !== ''", "value": 0.45},
                        "value": 1,
                    },
                    "tooltip": [
                        {"field": "component", "type": "nominal"},
                        {"field": "attempt", "type": "nominal"},
                        {"field": "start", "type": "quantitative", "format": ".3f"},
                        {"field": "seconds", "type": "quantitative", "format": ".3f"},
                        {"field": "failed", "type": "nominal"},
                        {"field": "source", "type": "nominal"},
                    ],
                },
            },
            {
                # On the bar itself, which is pale for it: beside it stands the next attempt.
                "data": {"values": [bar for bar in bars if bar["failed"]]},
                "mark": {"type": "text", "align": "left", "dx": 4},
                "encoding": {
                    "x": {**x, "field": "start"},
                    "y": y,
                    "text": {"field": "failed", "type": "nominal"},
                },
            },
            {
                "data": {"values": [{"at": latency}]},
                "mark": {"type": "rule", "style": "asked", "strokeWidth": 1.5},
                "encoding": {"x": {**x, "field": "at"}},
            },
        ],
    }


class _Bar(TypedDict):
    component: str
    attempt: str
    start: float
    end: float
    seconds: float
    failed: str
    source: str


def _bars(spans: Sequence[ExemplarSpan], latency: float) -> list[_Bar]:
    bars: list[_Bar] = []
    for span in spans:
        component, start, end = span["component"], span["start_s"], span["end_s"]
        if component is None or start is None or end is None:
            continue
        bars.append(
            {
                "component": component,
                "attempt": str(span["attempt"] or 0),
                "start": start,
                "end": end,
                "seconds": end - start,
                "failed": span["error_type"] or "",
                "source": span["source"] or "unknown",
            }
        )
    return bars + _gaps(bars, latency)


def _gaps(bars: Sequence[_Bar], latency: float) -> list[_Bar]:
    """What no bar covers, as bars of its own: the time that nobody accounts for."""
    gaps: list[_Bar] = []
    reached = 0.0
    inside = [(bar["start"], bar["end"]) for bar in bars if bar["end"] > bar["start"]]
    for start, end in [*sorted(inside), (latency, latency)]:
        if start - reached > SMALLEST_GAP_S:
            gaps.append(
                {
                    "component": "unattributed",
                    "attempt": "0",
                    "start": reached,
                    "end": min(start, latency),
                    "seconds": min(start, latency) - reached,
                    "failed": "",
                    "source": "nobody",
                }
            )
        reached = max(reached, end)
    return gaps
