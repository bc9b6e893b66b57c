"""Levels of load and, for each component, how it fared there: what every later step reads.

The rows come pre-aggregated as cells (component x level x block of time), so nothing here grows
with the number of spans. A level's latency is the median over its blocks of the block means, which
an incident shorter than half the level can not move.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

MIN_TURNS = 6
MIN_TURNS_IN_BIN = 20  # a quarter octave of a ramp is merged upwards until it holds these
SAME_LEVEL = 0.15
SAME_BIN = 0.25  # of a ramp: a quarter octave is 19 % wide, and thin ones were joined
ABOVE_BIN = 1.25

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.NDArray[np.generic]]

NEAR_ASKED = 0.1  # calls come and go: a level of 20 holds 19 and a bit


@dataclass(frozen=True, slots=True)
class Level:
    """One level of load. ``blocks`` are those of its counted time, ``seconds`` per block."""

    numbers: tuple[int, ...]  # level_no of the store; several where bins were merged
    calls: float  # held, over the counted time
    asked: float
    kind: str
    phase: str
    stage_index: int | None
    start_s: float  # since the run's first call
    start_ns: int
    limited: bool  # the generator was the limit here
    blocks: tuple[tuple[int, int], ...]  # (level_no, block)
    seconds: tuple[float, ...]

    @property
    def total_s(self) -> float:
        return sum(self.seconds)

    @property
    def named(self) -> float:
        """Its number in texts and tables: as asked, but what was held where that is far off."""
        near = abs(self.calls - self.asked) <= max(1.0, NEAR_ASKED * self.asked)
        return self.asked if near else self.calls


class Held(Protocol):
    """What of a level tells whether the load came back down to it."""

    @property
    def asked(self) -> float: ...

    @property
    def phase(self) -> str: ...


@dataclass(frozen=True, slots=True)
class HeldLevel:
    """One level of the whole run, also where a report is of a window."""

    number: int
    asked: float
    phase: str
    started_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True)
class Point:
    """One component at one level."""

    turns: int
    mean_s: float  # median over blocks of block means
    error_s: float  # standard error of it
    errors: int
    finished: tuple[float, ...]  # per block of the level
    rate: float  # finished per second
    ended_rate: float  # the same with what failed or was given up

    @property
    def error_rate(self) -> float:
        return self.errors / self.turns if self.turns else 0.0


@dataclass(frozen=True, slots=True)
class Cycles:
    """Turn cycles of one level, one entry per call: how many and their sum in seconds."""

    counts: Floats
    sums_s: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """The levels in the order of their load, those that came down again, and all points."""

    rising: tuple[Level, ...]
    returned: tuple[Level, ...]
    points: Mapping[str, Mapping[Level, Point]]
    cycles: Mapping[Level, Cycles]
    # Returned levels again with the first turns of calls: after a peak most calls are new.
    with_first: Mapping[str, Mapping[Level, Point]] = field(default_factory=dict)

    def components(self) -> tuple[str, ...]:
        return tuple(name for name in self.points if name != "turn")

    def series(self, component: str) -> tuple[tuple[Level, Point], ...]:
        """The rising levels at which the component was seen often enough."""
        points = self.points.get(component, {})
        return tuple(
            (level, points[level])
            for level in self.rising
            if level in points and points[level].turns >= MIN_TURNS
        )


def gather(
    blocks: Columns,
    cells: Columns,
    throughput: Columns,
    cycles: Columns,
    *,
    returned: Collection[int] = (),
) -> Evidence:
    """Evidence from the rows of level_blocks, level_cells, level_throughput and turn_cycles.

    ``returned`` are numbers of levels that the load came back down to from one that these rows,
    being of a window, do not hold.
    """
    later = _rows(cells, ~cells["first"].astype(bool))
    levels = _merge_bins(_levels(blocks), later)
    usable = [level for level in levels if not level.limited and level.total_s > 0]
    rising, back = _split(usable, returned)
    kept = (*rising, *back)
    return Evidence(
        rising=rising,
        returned=back,
        points=_points(kept, later, throughput),
        cycles=_cycles(kept, cycles),
        with_first=_points(back, cells, throughput),
    )


def _rows(columns: Columns, mask: npt.NDArray[np.bool_]) -> Columns:
    return {key: values[mask] for key, values in columns.items()}


def _levels(rows: Columns) -> list[Level]:
    numbers = rows["level_no"].astype(int)
    levels = []
    for number in dict.fromkeys(numbers.tolist()):
        where = np.flatnonzero(numbers == number)
        seconds = rows["seconds"][where].astype(float)
        first = where[int(np.argmin(rows["start_ns"][where].astype(np.int64)))]
        stage = float(rows["stage_index"][first].astype(float))
        levels.append(
            Level(
                numbers=(int(number),),
                calls=float(rows["call_seconds"][where].astype(float).sum() / seconds.sum()),
                asked=float(rows["level"][first].astype(float)),
                kind=str(rows["kind"][first]),
                phase=str(rows["phase"][first]),
                stage_index=None if np.isnan(stage) else int(stage),
                start_s=float(rows["start_s"][first].astype(float)),
                start_ns=int(rows["start_ns"][first].astype(np.int64)),
                limited=bool(rows["limited"][where].astype(bool).any()),
                blocks=tuple((int(number), int(rows["block"][i].astype(int))) for i in where),
                seconds=tuple(float(each) for each in seconds),
            )
        )
    return levels


def _merge_bins(levels: Sequence[Level], cells: Columns) -> list[Level]:
    """Held levels as they are; thin bins of a ramp joined with the next higher one."""
    held = [level for level in levels if level.kind == "held"]
    bins = sorted((each for each in levels if each.kind != "held"), key=lambda each: each.asked)
    turns: dict[int, int] = {}
    whole = cells["component"] == "turn"
    for number, count in zip(
        cells["level_no"][whole].tolist(), cells["turns"][whole].tolist(), strict=True
    ):
        turns[int(number)] = turns.get(int(number), 0) + int(count)
    merged: list[Level] = []
    open_bin: Level | None = None
    for each in bins:
        open_bin = each if open_bin is None else _join(open_bin, each)
        if sum(turns.get(number, 0) for number in open_bin.numbers) >= MIN_TURNS_IN_BIN:
            merged.append(open_bin)
            open_bin = None
    if open_bin is not None:
        merged = [*merged[:-1], _join(merged[-1], open_bin)] if merged else [open_bin]
    return held + merged


def _join(low: Level, high: Level) -> Level:
    total_s = low.total_s + high.total_s
    calls = (low.calls * low.total_s + high.calls * high.total_s) / total_s
    return Level(
        numbers=low.numbers + high.numbers,
        calls=calls,
        asked=round(calls, 1),
        kind=low.kind,
        phase=low.phase,
        stage_index=low.stage_index,
        start_s=min(low.start_s, high.start_s),
        start_ns=min(low.start_ns, high.start_ns),
        limited=low.limited or high.limited,
        blocks=low.blocks + high.blocks,
        seconds=low.seconds + high.seconds,
    )


def came_back(levels: Sequence[HeldLevel]) -> frozenset[int]:
    """The numbers of those that the load came back down to; ``levels`` in the order of the run."""
    return frozenset(
        level.number for i, level in enumerate(levels) if _after_a_peak(level, levels[:i])
    )


def _split(
    levels: Sequence[Level], known: Collection[int] = ()
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Levels that the load climbed to, lowest first, and those that it came back down to.

    The way down is kept apart: a target may need long to recover, so what it shows at 24 calls
    after a peak is a question of its own.
    """
    rising: list[Level] = []
    returned: list[Level] = []
    held: list[Level] = []
    bins = [level for level in levels if level.kind != "held"]
    for level in sorted(levels, key=lambda each: (each.kind != "held", each.start_ns)):
        if level.kind == "held" and (
            level.numbers[0] in known or _after_a_peak(level, held) or _after_a_ramp(level, bins)
        ):
            returned.append(level)
        else:
            rising.append(level)
        if level.kind == "held":
            held.append(level)
    return tuple(sorted(rising, key=lambda each: each.calls)), tuple(returned)


def _after_a_peak(level: Held, before: Sequence[Held]) -> bool:
    """Whether the load came back down to it; ``before`` are the levels held before, in their order.

    A search that narrows in on a limit climbs to a new level from one below it, once what the peak
    of the same phase had left behind is gone: such a level is one of the climb.
    """
    if not before or level.asked > max(each.asked for each in before):
        return False
    climbed = before[-1].phase == level.phase and before[-1].asked < level.asked
    between = any(each.phase == level.phase and each.asked > level.asked for each in before)
    new = all(each.asked != level.asked for each in before)
    return not (climbed and between and new)


def _after_a_ramp(level: Level, bins: Sequence[Level]) -> bool:
    """Whether a ramp had been well above this level: a bin and more, since calls come and go."""
    return any(
        each.start_ns < level.start_ns and each.asked > ABOVE_BIN * level.asked for each in bins
    )


def _points(
    levels: Sequence[Level], cells: Columns, throughput: Columns
) -> dict[str, dict[Level, Point]]:
    finished: dict[tuple[str, int, int], float] = {}
    ended: dict[tuple[str, int, int], float] = {}
    for name, number, block, served, every in zip(
        throughput["component"].tolist(),
        throughput["level_no"].tolist(),
        throughput["block"].tolist(),
        throughput["finished"].tolist(),
        throughput["ended"].tolist(),
        strict=True,
    ):
        finished[(str(name), int(number), int(block))] = float(served)
        ended[(str(name), int(number), int(block))] = float(every)
    points: dict[str, dict[Level, Point]] = {}
    names = cells["component"].astype(str)
    numbers = cells["level_no"].astype(int)
    for name in dict.fromkeys(names.tolist()):
        for level in levels:
            where = (names == name) & np.isin(numbers, level.numbers)
            if where.any():
                done = tuple(finished.get((name, *block), 0.0) for block in level.blocks)
                gone = sum(ended.get((name, *block), 0.0) for block in level.blocks)
                point = _point(_rows(cells, where), done, gone, level.total_s)
                points.setdefault(name, {})[level] = point
    return points


def _point(cells: Columns, finished: tuple[float, ...], ended: float, total_s: float) -> Point:
    turns = cells["turns"].astype(float)
    sums = cells["sum_s"].astype(float)
    means = sums / turns
    total = float(turns.sum())
    mean = float(sums.sum() / total)
    variance = max(0.0, float(cells["sum_squares"].astype(float).sum()) / total - mean**2)
    by_turns = float(np.sqrt(variance / max(1.0, total - 1)))
    by_blocks = 0.0
    if len(means) >= 3:
        by_blocks = float(1.25 * means.std(ddof=1) / np.sqrt(len(means)))
    # Two blocks say less than their mean: the median needs a middle.
    centre = _weighted_median(means, turns) if len(means) >= 3 else mean
    return Point(
        turns=int(total),
        mean_s=centre,
        error_s=max(by_turns, by_blocks),
        errors=int(cells["errors"].astype(int).sum()),
        finished=finished,
        rate=sum(finished) / total_s,
        ended_rate=ended / total_s,
    )


def _weighted_median(values: Floats, weights: Floats) -> float:
    """Half of the weight on either side; a block with one turn must not stand for a second."""
    order = np.argsort(values)
    ranked, share = values[order], weights[order] / weights.sum()
    return float(np.interp(0.5, np.cumsum(share) - share / 2, ranked))


def _cycles(levels: Sequence[Level], rows: Columns) -> dict[Level, Cycles]:
    numbers = rows["level_no"].astype(int)
    found = {}
    for level in levels:
        where = np.isin(numbers, level.numbers)
        found[level] = Cycles(
            rows["cycles"][where].astype(np.float64), rows["sum_s"][where].astype(np.float64)
        )
    return found
