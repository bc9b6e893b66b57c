"""Kept views: what a command asks of the store more than once, as tables of the same names.

The views are many joins deep, and each that is asked anew reads the spans again. So what a question
reads is made a temporary table first, once per command; DuckDB finds those before the views, and
the queries stay the same text. Only what somebody asks for is made.

Reports ask about one run or a few (``ask_about``). For them calls are numbers, in the order of
their names (``call_names``), and the ids of runs and the few words that are said of every piece of
work are enumerations, in alphabetical order so that they sort as texts do: then ten million spans
fit into little memory, and joins compare four bytes instead of fifty. Calls are no enumeration:
DuckDB compares all words of one at every union and join that it plans, which took seconds with a
hundred thousand. People's own SQL (``ask_all``) finds every column as it is documented.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import duckdb

from otel_voiceload.store import attach, catalogue, spill

# About resources, traces and runs, and small: kept for the whole store until it is closed.
OF_THE_STORE: Final = ("known_resources", "trace_runs", "runs")
# Nothing that could be a duplicate: then no question needs the join that would find it.
_DOUBTFUL: Final = """
select 1 from raw_batches where may_hold_duplicates
union all
select 1 from trace_runs where split
limit 1
"""
ONCE_AS_RECEIVED: Final = """
create or replace temp view once_spans as select * exclude (split) from received_spans
"""
# Every span's resource names its run: then none has to be looked for by its trace. A collector that
# tells of itself names none, and has no spans.
_OF_NO_RUN: Final = """
select 1 from raw_spans
where resource_id not in (from temp.known_resources select resource_id where run_id is not null)
limit 1
"""
_ONCE_AS_NAMED: Final = """
create or replace temp view once_spans as
select s.*, r.run_id, r.service_name
from raw_spans s
left join known_resources r using (resource_id)
"""
# Of the asked runs, in the order in which they read each other.
KEPT_VIEWS: Final = (
    "call_names",
    "rolled_levels",
    "rolled_cells",
    "resource_usage",
    "calls",
    "concurrency",
    "stages",
    "generator_seconds",
    "limited_slots",
    "stage_health",
    "held_levels",
    "turn_spans",
    "turn_heads",
    "component_observations",
    "component_work",
    "told_sources",
    "faulty_sources",
    "outvoted_sources",
    "skewed_sources",
    "turn_facts",
    "turns",
    "component_disorder",
    "component_spans",
    "component_turns",
    "slot_levels",
    "levels",
    "curve",
)
# Wide: made a table only when a question names them itself.
ON_DEMAND: Final = (
    "turn_spans",
    "component_observations",
    "component_spans",
    "turns",
    "component_turns",
)
# A report asks turns once, for a few of the moments that stand in JSON; and the components' turns,
# which are six times as many, for two or three columns at a time, which turn_facts holds.
_NOT_FOR_REPORTS: Final = ("turn_spans", "turns", "component_turns")
# Where a time window cuts: the turns and the levels; calls stay, or concurrency would be wrong.
WINDOWED: Final = {
    "turn_spans": "start_ns",
    "turn_heads": "start_ns",
    "slot_levels": "slot * 250000000",
    "rolled_cells": "unix_minute * 60000000000",
}
_WORK_CODES: Final = ("component", "source", "error_type")
_MOST_WORDS: Final = 1000  # of one kind; more, and an enumeration of them saves nothing
# What work says of itself, and whether some of it has to be found a place (placed_observations).
_SAID_OF_WORK: Final = """
select
    component,
    component_source,
    error_type,
    service_name is distinct from 'ovl-caller' or component_source = 'target_trace'
        or component_source is null or unplaced as to_place
from (
    select component, component_source, error_type, resource_id,
        bool_or(session_id is null or turn_index is null) as unplaced
    from raw_spans
    where component is not null
    group by all
)
left join temp.known_resources using (resource_id)
"""
# A report takes turns to be told once each, and looks afterwards: that is far cheaper than to sort
# them all for the sake of the few that may have been told twice.
_ALL_TURNS: Final = """
create or replace temp view turn_records as
select * from mapped where role = 'turn' and call_id is not null
"""
# Whatever reads spans reads them through `mapped`, so here calls become numbers for all of it.
_NUMBERS: Final = """
create temp table call_names as
select row_number() over (order by name)::integer as call_id, name
from (
    select distinct call_id as name from mapped_spans
    where run_id in ({runs}) and call_id is not null
)
"""
_NUMBERED: Final = """
create or replace temp view mapped as
select m.* replace (n.call_id as call_id)
from mapped_spans m
left join call_names n on n.name = m.call_id
"""
_NOTHING_TO_PLACE: Final = """
create or replace temp view placed_observations as
select *, null::varchar as joined_by from mapped limit 0
"""
_TOLD_TWICE: Final = """
select 1 from temp.turn_heads group by run_id, call_id, turn_index having count(*) > 1 limit 1
"""
Window = tuple[int | None, int | None]
OURS: Final = "voiceload"  # the mapping
_WORD: Final = re.compile(r"\w+")


class Kept:
    """The tables that are kept for one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._of_the_store: set[str] = set()
        self._tables: list[str] = []  # in the order in which they were made
        self._types: list[str] = []
        self._runs: tuple[str, ...] | None = None  # None: all of them
        self._window: Window = (None, None)
        self._coded = False  # for a report
        # What work says of itself, where all of it stands in columns of the spans.
        self._words: dict[str, tuple[object, ...]] = {}
        self._recordings: dict[str | None, frozenset[str]] | None = None  # by run
        self._shown: frozenset[str] | None = None  # recordings whose spans are read; None: all

    def ask_about(self, run_ids: Iterable[str], window: Window = (None, None)) -> None:
        """From now on reports ask, about these runs and this time."""
        runs = tuple(sorted(set(run_ids)))
        if not runs or (self._coded, self._runs, self._window) == (True, runs, window):
            return
        self.release()
        self._runs, self._window = runs, window
        self._coded = True
        spill.limit(self._connection, spill.LITTLE)
        self._make_type("run_code", _quoted(runs))

    def is_about(self, run_id: str) -> bool:
        return self._coded and self._runs is not None and run_id in self._runs

    def ask_all(self, run_id: str | None = None) -> None:
        """From now on every column is asked for, of one run or of all, as people's own SQL does."""
        runs = None if run_id is None else (run_id,)
        if self._coded or runs != self._runs:
            self.release()
            self._runs, self._window, self._coded = runs, (None, None), False
            spill.limit(self._connection, spill.HALF)

    def ensure(self, sql: str) -> None:
        """Keeps what this text names and what that reads."""
        named = frozenset(word.lower() for word in _WORD.findall(sql))
        views = catalogue.needed(named)
        self.ensure_of_the_store(views)
        missing = [view for view in self._to_keep(named, views) if view not in self._tables]
        unnumbered = self._coded and "mapped" in views and "call_names" not in self._tables
        if missing or unnumbered:
            self._show_spans(self._runs if self._coded else None)
        if unnumbered:
            self._number_calls()
        for view in missing:
            if view in self._tables:
                continue  # the numbers of calls
            if self._coded:
                self._keep_coded(view)
            else:
                self._keep(view, "*")

    def read_only(self, run_id: str) -> None:
        """The next question is about this run: spans of other recordings are not looked at.

        A store grows, and each of its runs is nearly always in a recording of its own.
        """
        if self._coded:
            self._show_spans((run_id,))

    def _to_keep(self, named: Collection[str], views: Collection[str]) -> Iterator[str]:
        for view in KEPT_VIEWS:
            wide = view in ON_DEMAND and view not in named
            if view in views and not wide and not (self._coded and view in _NOT_FOR_REPORTS):
                yield view

    def _show_spans(self, runs: Iterable[str] | None) -> None:
        """Of recordings that have these runs, or work of which only its trace says whose it is."""
        shown = None
        if runs is not None:
            if self._recordings is None:
                self._recordings = attach.recordings_of_runs(self._connection)
            found = [self._recordings.get(run_id, frozenset()) for run_id in (None, *runs)]
            shown = frozenset().union(*found)
            if shown.issuperset(frozenset().union(*self._recordings.values())):
                shown = None
        if shown != self._shown:
            attach.show_spans(self._connection, shown)
            self._shown = shown

    def ensure_of_the_store(self, views: Iterable[str] = OF_THE_STORE) -> None:
        for view in OF_THE_STORE:
            if view in views and view not in self._of_the_store:
                self._show_spans(None)
                # Another Reading of the same connection may have kept them before.
                self._connection.execute(f"create temp table if not exists {view} as from {view}")
                self._of_the_store.add(view)
                if view == "trace_runs":
                    self._leave_out()

    def release(self) -> None:
        for view in reversed(self._tables):
            self._connection.execute(f"drop table temp.{view}")
        for view in ("turn_records", "mapped"):
            self._connection.execute(f"drop view if exists temp.{view}")
        for name in reversed(self._types):
            self._connection.execute(f"drop type temp.{name}")
        self._tables, self._types = [], []
        self._runs, self._window = None, (None, None)
        self._coded = False
        self._show_spans(None)

    def _leave_out(self) -> None:
        """What this store has no spans for need not be looked for, nor planned for."""
        if not self._connection.execute(_DOUBTFUL).fetchall():
            lost = self._connection.execute(_OF_NO_RUN).fetchall()
            self._connection.execute(ONCE_AS_RECEIVED if lost else _ONCE_AS_NAMED)
        if attach.mappings_of(self._connection) != (OURS,):
            return
        said = self._connection.execute(_SAID_OF_WORK).fetchall()
        if said and not any(row[3] for row in said):
            self._words = dict(zip(_WORK_CODES, zip(*said, strict=True), strict=False))
            self._connection.execute(_NOTHING_TO_PLACE)

    def _keep_coded(self, view: str) -> None:
        codes = ["run_id::run_code as run_id"]
        if view == "component_work":
            codes += [f"{name}::{name}_code as {name}" for name in self._code_work()]
        columns = f"* replace ({', '.join(codes)})"
        if view == "turn_heads":
            self._keep_turns(columns)
        else:
            self._keep(view, columns)

    def _number_calls(self) -> None:
        self._connection.execute(_NUMBERS.format(runs=_quoted(self._runs or ())))
        self._tables.append("call_names")
        self._connection.execute(_NUMBERED)

    def _keep_turns(self, columns: str) -> None:
        self._connection.execute(_ALL_TURNS)
        self._keep("turn_heads", columns)
        if self._connection.execute(_TOLD_TWICE).fetchall():
            self._connection.execute("drop view temp.turn_records")
            self._connection.execute(f"drop table temp.{self._tables.pop()}")
            self._keep("turn_heads", columns)

    def _keep(self, view: str, columns: str) -> None:
        conditions = []
        bound: dict[str, object] = {}
        if self._runs is not None:
            conditions.append(f"run_id in ({_quoted(self._runs)})")
        if view in WINDOWED:
            for name, side, at_ns in zip(
                ("since", "until"), (">=", "<"), self._window, strict=True
            ):
                if at_ns is not None:
                    conditions.append(f"{WINDOWED[view]} {side} ${name}")
                    bound[name] = at_ns
        where = f" where {' and '.join(conditions)}" if conditions else ""
        self._connection.execute(
            f"create temp table {view} as select {columns} from {view}{where}", bound or None
        )
        self._tables.append(view)

    def _code_work(self) -> list[str]:
        """Makes codes for the words of work; the columns that have one."""
        coded = []
        for name, values in self._words.items():
            words = sorted({str(value) for value in values if value is not None})
            if 0 < len(words) <= _MOST_WORDS:
                coded.append(name)
                if f"{name}_code" not in self._types:
                    self._make_type(f"{name}_code", _quoted(words))
        return coded

    def _make_type(self, name: str, values: str) -> None:
        self._connection.execute(f"create temp type {name} as enum ({values})")
        self._types.append(name)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)
