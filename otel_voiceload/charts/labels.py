"""Labels that fit: which of many are written, so that no two stand on each other.

The library thins the labels of an axis by itself but not the texts inside a chart, and it writes
round numbers of a long axis as ``1e+3``. A page does not know its width when it is written; there
the least width counts that its style sheet leaves a chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from otel_voiceload.charts.theme import Width

PLAIN: Final = "~f"  # d3's `~g` writes 500 as 5e+2 where ticks are hundreds apart
FONT_HEIGHT: Final = 13  # pixels, of the 11 px that the theme sets
CHARACTER: Final = 6.8  # pixels on average at that size, in the widest of the fonts
GAP: Final = 4  # pixels between two labels
AXIS: Final = 50  # pixels that an axis with its title takes from a chart
MINUTES_FROM_S: Final = 300.0  # where seconds get long
HOURS_FROM_S: Final = 6 * 3600.0
_ROUND: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480, 1000)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a label would stand; pixels from the top left corner of the plot."""

    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right + GAP
            and other.left < self.right + GAP
            and self.top < other.bottom
            and other.top < self.bottom
        )


def width_of(text: str) -> float:
    """Pixels that the text takes at most."""
    return len(text) * CHARACTER


def plot_width(width: Width, least: float) -> float:
    """Pixels between the axes; ``least`` is what a chart on the page has, axis and all."""
    return max(60.0, (least if width == "container" else width) - AXIS)


def free(boxes: Sequence[Box], taken: Iterable[Box] = ()) -> list[int]:
    """The places of those that can be written; what comes first is kept first."""
    standing = list(taken)
    kept: list[int] = []
    for place, box in enumerate(boxes):
        if not any(box.meets(other) for other in standing):
            standing.append(box)
            kept.append(place)
    return kept


def spaced(positions: Sequence[float], texts: Sequence[str]) -> list[int]:
    """The places of an axis' labels that fit; both ends before what is between them."""
    boxes = [
        Box(at - width_of(text) / 2, at + width_of(text) / 2, 0, 1)
        for at, text in zip(positions, texts, strict=True)
    ]
    last = len(boxes) - 1
    order = sorted(range(len(boxes)), key=lambda place: (place not in (0, last), -place))
    return sorted(order[index] for index in free([boxes[place] for place in order]))


@dataclass(frozen=True, slots=True)
class Clock:
    """An axis of time: its unit in words and in seconds, and its ticks in that unit."""

    unit: str
    unit_s: float
    ticks: tuple[float, ...]


def clock(until_s: float, most: int = 7) -> Clock:
    """Seconds, or minutes or hours where the figures would get long; at most ``most`` ticks."""
    unit, unit_s = "seconds", 1.0
    if until_s >= HOURS_FROM_S:
        unit, unit_s = "hours", 3600.0
    elif until_s >= MINUTES_FROM_S:
        unit, unit_s = "minutes", 60.0
    until = max(0.0, until_s) / unit_s
    step = next((each for each in _ROUND if until / each < most), max(1.0, until // (most - 1)))
    return Clock(
        unit, unit_s, tuple(float(step * place) for place in range(int(until // step) + 1))
    )
