"""Latency by component and level, with the bend drawn between two levels.

Levels are rows: however many there are, the page only gets longer, and reading down is adding
calls. A level that returns after the peak stands last, since it answers another question: was it
the load.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.reports.render.phrases import bare_seconds, bend, percent
from otel_voiceload.reports.report import ComponentReport, Level, LevelComponent, Report


@dataclass(frozen=True, slots=True)
class Cell:
    """p50 and p95 in bare seconds; ``bent`` where this component carries load past its bend."""

    p50: str
    p95: str
    bent: bool


@dataclass(frozen=True, slots=True)
class LevelRow:
    calls: str
    again: bool  # a level held before, returned to after the peak
    turns: str
    cells: tuple[Cell, ...]  # one per column
    errors: str  # "" when nothing failed
    excluded_why: str | None


@dataclass(frozen=True, slots=True)
class BendRow:
    """Stands between the level below the bend and the one above."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    columns: tuple[str, ...]  # "turn", then the components that were observed
    rows: tuple[LevelRow | BendRow, ...]
    has_unknown: bool


def observed(report: Report) -> list[ComponentReport]:
    """Components with data: the four a fix is bought for in the order of a turn, then the rest."""
    known = [
        each for each in report["components"] if each["role"] != "unobserved" and each["curve"]
    ]
    order = {name: place for place, name in enumerate(COMPONENTS)}
    return sorted(known, key=lambda each: order.get(each["component"], len(order)))


def build(report: Report, limit: int | None = None) -> Grid:
    """The grid; at most ``limit`` components, those that bend always among them."""
    shown = observed(report)
    if limit is not None and len(shown) > limit:
        keep = {each["component"] for each in sorted(shown, key=_importance)[:limit]}
        shown = [each for each in shown if each["component"] in keep]
    pending = sorted(
        (one for one in report["inflection"]["candidates"] if one["calls"] is not None),
        key=lambda one: one["calls"] or 0.0,
    )
    bent_at = {one["component"]: one["calls"] or 0.0 for one in pending}
    censored_at = report["turn_latency"]["censored_at_s"]
    rows: list[LevelRow | BendRow] = []
    peak = 0.0
    seen: list[float] = []
    for level in report["levels"]:
        held = level["level"]
        while pending and held > (pending[0]["calls"] or 0.0) and held > peak:
            rows.append(BendRow(bend(pending.pop(0))))
        again = level.get("again", held in seen)
        points = [(each, _point(each, level)) for each in shown]
        turn = Cell(
            bare_seconds(level["p50_s"], censored_at),
            bare_seconds(level["p95_s"], censored_at),
            False,
        )
        rows.append(
            LevelRow(
                calls=f"{held:g}",
                again=again,
                turns=str(level["turns"]),
                cells=(
                    turn,
                    *(
                        _cell(point, held > bent_at.get(one["component"], held))
                        for one, point in points
                    ),
                ),
                errors=_errors(level["no_response"], points),
                excluded_why=None if level["valid"] else level["excluded_why"] or "excluded",
            )
        )
        peak = max(peak, held)
        seen.append(held)
    at = next(
        (i for i, row in enumerate(rows) if isinstance(row, LevelRow) and row.again), len(rows)
    )
    rows[at:at] = [BendRow(bend(one)) for one in pending]
    cells = [cell for row in rows if isinstance(row, LevelRow) for cell in row.cells]
    return Grid(
        columns=("turn", *(each["component"] for each in shown)),
        rows=tuple(rows),
        has_unknown=any("?" in (cell.p50, cell.p95) for cell in cells),
    )


def _importance(component: ComponentReport) -> tuple[int, int]:
    roles = ("bottleneck", "candidate", "follows", "healthy", "unobserved")
    bought = component["component"] in COMPONENTS
    return roles.index(component["role"]), 0 if bought else 1


def _point(component: ComponentReport, level: Level) -> LevelComponent | None:
    name = component["component"]
    return next((each for each in level["components"] if each["component"] == name), None)


def _cell(point: LevelComponent | None, bent: bool) -> Cell:
    if point is None:
        return Cell("?", "?", False)
    p50, p95 = (
        bare_seconds(each, point["open_from_s"]) for each in (point["p50_s"], point["p95_s"])
    )
    return Cell(p50, p95, bent)


def _errors(no_response: int, points: list[tuple[ComponentReport, LevelComponent | None]]) -> str:
    said = [f"{no_response} turns unanswered"] if no_response else []
    said += [
        f"{one['component']} attempts failed in {percent(point['error_rate'])} of turns"
        for one, point in points
        if point is not None and point["error_rate"] > 0
    ]
    return ", ".join(said)
