"""One figure over the runs of one target, oldest first, and where it took a step.

Only runs of the same target, wire, profile and scenarios stand in one line, and only the levels
that all of them held: the p95 of another load is another figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otel_voiceload.analysis.trend import LEAST_RUNS, find_step
from otel_voiceload.reports.compare_read import read_run
from otel_voiceload.reports.compare_series import KINDS, figures
from otel_voiceload.reports.marks import Marks
from otel_voiceload.reports.render.phrases import calls, percent, seconds
from otel_voiceload.reports.render.rows import WIDTH, cut, shown
from otel_voiceload.store.reading import Reading, Table

_ALIKE: Final = """
select other.run_id
from runs this
join runs other
    on other.target is not distinct from this.target
    and other.wire is not distinct from this.wire
    and other.profile is not distinct from this.profile
    and other.scenario_hash is not distinct from this.scenario_hash
where this.run_id = $run_id and other.started_ns <= this.started_ns
order by other.started_ns desc, other.run_id = this.run_id desc, other.run_id desc
limit $last
"""
COLUMNS: Final = ("run_id", "tag", "started", "validity", "value", "bound")
TYPES: Final = ("VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR", "DOUBLE", "VARCHAR")


@dataclass(frozen=True, slots=True)
class Trend:
    table: Table  # oldest first
    notes: tuple[str, ...]


def trend(reading: Reading, run_id: str, metric: str, last: int, marks: Marks) -> Trend:
    """``metric`` over the last runs like ``run_id``, itself the newest of them."""
    ids = [str(row[0]) for row in reading.sql(_ALIKE, run_id=run_id, last=last).rows][::-1]
    read = [read_run(reading, each, marks.baselines) for each in ids]
    shared = frozenset.intersection(*(each.asked for each in read))
    rows: list[tuple[object, ...]] = []
    for each in read:
        value = figures(each, shared or None, whole=not shared, only=[metric])[metric]
        run = each.report["run"]
        bound = ""
        if value is not None:
            bound = "at least" if value.at_least else "at most" if value.at_most else ""
        tags = dict.fromkeys([run["tag"], *marks.tags_of(each.run_id)])
        named = ", ".join(tag for tag in tags if tag)
        told = None if value is None else value.value
        rows.append((each.run_id, named, run["started"], run["validity"], told, bound))
    return Trend(Table(COLUMNS, TYPES, tuple(rows)), tuple(_notes(metric, rows, shared)))


def brief(table: Table, metric: str) -> Table:
    """As a terminal has room for it, with units: minutes are enough, and a long tag is cut."""
    rows = []
    for row in table.dicts():
        told = row["value"]
        unit = "s" if KINDS[metric] == "seconds" else ""  # else calls, or a share of one
        value = f"{row['bound']} {shown(told)} {unit}".strip() if told is not None else "-"
        started = str(row["started"])[:16].replace("T", " ")
        rows.append((str(row["run_id"]), started, str(row["validity"]), value, str(row["tag"])))
    columns = ("run_id", "started", "validity", "value", "tag")
    taken = [max([len(columns[at]), *(len(row[at]) for row in rows)]) for at in range(4)]
    room = max(8, WIDTH - sum(taken) - 2 * len(taken))
    short = tuple((*row[:4], cut(row[4], room)) for row in rows)
    return Table(columns, ("VARCHAR",) * len(columns), short)


def _notes(metric: str, rows: Sequence[tuple[object, ...]], shared: frozenset[float]) -> list[str]:
    held = f"at {', '.join(calls(each) for each in sorted(shared))} calls"
    notes = [f"{metric} of {len(rows)} runs alike, {held if shared else 'over whole runs'}"]
    if not shared and KINDS[metric] != "calls":
        notes.append("no level was held in all of them: their loads differ, and so may the figure")
    known = [row for row in rows if isinstance(row[4], float) and row[3] != "inconclusive"]
    values = [float(str(row[4])) for row in known]
    if len(values) < LEAST_RUNS:
        return [
            *notes,
            f"steps take {LEAST_RUNS} runs with a figure: these are {len(values)}",
        ]
    step = find_step(values)
    if step is None:
        return [*notes, "no step that another order of these runs would not show as well"]
    before, after = _said(metric, step.before), _said(metric, step.after)
    return [*notes, f"a step at {known[step.at][0]}: median {before} before, {after} from there on"]


def _said(metric: str, value: float) -> str:
    if KINDS[metric] == "seconds":
        return seconds(value)
    return calls(value) if KINDS[metric] == "calls" else percent(value)
