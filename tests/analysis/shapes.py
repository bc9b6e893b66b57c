"""Evidence made by hand for the tests of the analysis: so many calls, so many seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from otel_voiceload.analysis.levels import Cycles, Evidence, Level, Point

BLOCKS = 5
BLOCK_S = 4.0
CYCLE_S = 3.0


def level(number: int, calls: float, *, kind: str = "held", limited: bool = False) -> Level:
    return Level(
        numbers=(number,),
        calls=calls,
        asked=calls,
        kind=kind,
        phase="ramp",
        stage_index=number,
        start_s=number * 20.0,
        start_ns=number * 20_000_000_000,
        limited=limited,
        blocks=tuple((number, block) for block in range(BLOCKS)),
        seconds=(BLOCK_S,) * BLOCKS,
    )


def point(
    mean_s: float,
    rate: float,
    *,
    turns: int = 60,
    errors: int = 0,
    given_up: float = 0.0,  # per second
) -> Point:
    per_block = rate * BLOCK_S
    finished = (per_block,) * BLOCKS
    return Point(turns, mean_s, 0.02 * mean_s, errors, finished, rate, rate + given_up)


def evidence(
    calls: Sequence[float],
    points: Mapping[str, Sequence[Point | None]],
    *,
    returned: Sequence[tuple[float, Mapping[str, Point]]] = (),
    cycle_s: float = CYCLE_S,
) -> Evidence:
    """One level per entry of ``calls``; a None point was not observed there."""
    rising = tuple(level(index, each) for index, each in enumerate(calls))
    back = tuple(level(len(calls) + index, each) for index, (each, _) in enumerate(returned))
    found: dict[str, dict[Level, Point]] = {
        name: {at: each for at, each in zip(rising, series, strict=True) if each is not None}
        for name, series in points.items()
    }
    for at, (_, values) in zip(back, returned, strict=True):
        for name, each in values.items():
            found[name][at] = each
    cycles = {
        each: Cycles(np.full(20, 2.0), np.full(20, 2.0 * cycle_s)) for each in (*rising, *back)
    }
    return Evidence(rising, back, found, cycles)


def closed_loop(
    calls: Sequence[float], knee: float, unloaded_s: float = 0.5, cycle_s: float = CYCLE_S
) -> list[Point]:
    """A component that is full at ``knee`` calls: throughput stops, and all further calls wait."""
    series = []
    for each in calls:
        rate = min(each, knee) / cycle_s
        waiting_s = max(0.0, each / rate - cycle_s)
        series.append(point(unloaded_s + waiting_s, rate))
    return series


def steady(calls: Sequence[float], seconds: float, cycle_s: float = CYCLE_S) -> list[Point]:
    return [point(seconds, each / cycle_s) for each in calls]
