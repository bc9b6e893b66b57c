"""Latency inside calls, as a table and in words: the same in every form of the report.

By the turn's number it shows whether latency compounds, where every turn carries those before it.
Nothing is judged: later turns are those of calls that got that far, and who gives up is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from otel_voiceload.reports.render.phrases import bare_seconds, calls, number
from otel_voiceload.reports.report import Report
from otel_voiceload.reports.report_within import LevelWithin, TurnsByNumber

TITLE: Final = "Seconds within calls, by the turn's number in its call"
SPREAD: Final = ("within", "between", "slowest")
LEGEND: Final = (
    "within, between: standard deviation of turns inside a call, and of calls' means, in seconds;"
    " slowest: the slowest turn of the median call to its mean"
)
_TOLD: Final = 2  # groups that a comparison needs
_LEAST: Final = 30  # turns in each of them: the p50 of fewer differs by more than it tells


@dataclass(frozen=True, slots=True)
class Cell:
    """Bare seconds of one group of turns at one level."""

    p50: str
    p95: str


@dataclass(frozen=True, slots=True)
class WithinRow:
    calls: str
    again: bool
    cells: tuple[Cell | None, ...]  # one per group; None: no turn got that far
    spread: tuple[str, str, str]  # as in ``SPREAD``


@dataclass(frozen=True, slots=True)
class WithinTable:
    columns: tuple[str, ...]  # numbers of turns: "1", "2", "3-4"
    rows: tuple[WithinRow, ...]
    has_unknown: bool


def build(report: Report) -> WithinTable:
    """The table; without rows where no turn has a number."""
    levels = [each for each in report["within_calls"] if _is_told(each)]
    ends: dict[int, tuple[int, int]] = {}
    for level in levels:
        for group in level["by_number"]:
            low, high = ends.get(_group(group), (group["turn_from"], group["turn_to"]))
            ends[_group(group)] = min(low, group["turn_from"]), max(high, group["turn_to"])
    order = sorted(ends)
    rows = tuple(_row(level, order, report) for level in levels)
    return WithinTable(
        columns=tuple(_label(*ends[each]) for each in order),
        rows=rows,
        has_unknown=any(
            "?" in (*row.spread, *(cell.p50 for cell in row.cells if cell)) for row in rows
        ),
    )


def shortened(table: WithinTable, most: int) -> WithinTable:
    """At most so many groups of turns: the first, and of the others the last ones."""
    if len(table.columns) <= most:
        return table
    keep = [0, *range(len(table.columns) - most + 1, len(table.columns))]
    return WithinTable(
        tuple(table.columns[place] for place in keep),
        tuple(
            WithinRow(row.calls, row.again, tuple(row.cells[place] for place in keep), row.spread)
            for row in table.rows
        ),
        table.has_unknown,
    )


def about_within(report: Report) -> list[str]:
    """How late turns compare with early ones, at the ends of the load."""
    censored_at_s = report["turn_latency"]["censored_at_s"]
    deadline_s = inf if censored_at_s is None else censored_at_s
    rising = [each for each in report["within_calls"] if not each["again"]]
    said = [line for level in _ends(rising, deadline_s) if (line := _growth(level, deadline_s))]
    if not said:
        return []
    return [*said, "later turns are those of calls that got that far"]


def _is_told(level: LevelWithin) -> bool:
    """A continuous ramp passes many levels with a turn or two: nothing is known of those."""
    return any(group["p50_s"] is not None for group in level["by_number"])


def _ends(levels: Sequence[LevelWithin], deadline_s: float) -> Sequence[LevelWithin]:
    told = [level for level in levels if len(_told(level, deadline_s)) >= _TOLD]
    if not told:
        return []
    low = min(told, key=lambda each: each["level"])
    high = max(told, key=lambda each: each["level"])
    return [low] if low is high else [low, high]


def _told(level: LevelWithin, deadline_s: float) -> list[TurnsByNumber]:
    """Groups whose median is an answer's; the first turn pays for connections and is no measure."""
    return [
        group
        for group in level["by_number"]
        if group["samples"] >= _LEAST
        and group["p50_s"] is not None
        and group["p50_s"] < deadline_s
        and group["turn_to"] > 1
    ]


def _growth(level: LevelWithin, deadline_s: float) -> str:
    first, *_, last = _told(level, deadline_s)
    early, late = first["p50_s"], last["p50_s"]
    if not early or late is None:
        return ""
    return (
        f"at {calls(level['level'])} calls the p50 of {_turns(last)} is {number(late / early)}"
        f" times that of {_turns(first)}"
    )


def _turns(group: TurnsByNumber) -> str:
    low, high = group["turn_from"], group["turn_to"]
    return f"{'turn' if low == high else 'turns'} {_label(low, high)}"


def _label(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _group(group: TurnsByNumber) -> int:
    """0 for the first turn, then one more with every doubling, as the query puts them together."""
    return max(0, group["turn_from"] - 1).bit_length()


def _row(level: LevelWithin, order: Sequence[int], report: Report) -> WithinRow:
    censored_at_s = report["turn_latency"]["censored_at_s"]
    groups = {_group(group): group for group in level["by_number"]}
    spread = level["spread"]
    told = ("?", "?", "?")
    if spread is not None:
        slowest = spread["ratio_p50"]
        told = (
            bare_seconds(spread["within_s"]),
            bare_seconds(spread["between_s"]),
            "?" if slowest is None else f"{number(slowest)}x",
        )
    return WithinRow(
        calls=f"{level['level']:g}",
        again=level["again"],
        cells=tuple(
            Cell(
                bare_seconds(groups[each]["p50_s"], censored_at_s),
                bare_seconds(groups[each]["p95_s"], censored_at_s),
            )
            if each in groups
            else None
            for each in order
        ),
        spread=told,
    )
