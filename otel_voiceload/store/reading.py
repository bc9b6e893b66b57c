"""A Reading: one opened store, and the questions that may be asked of it.

Named queries work on one run at a time, and the views they read are several joins deep. So the
views of the asked runs are first kept as temporary tables of the same names, which DuckDB resolves
before the views: the queries stay the same text and a report pays for the joins once. Asking the
deepest view directly takes seconds on any store, for binding alone. A single question keeps what it
reads and no more. What says which runs there are is small and kept for all of them at once.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import duckdb
import numpy as np
import numpy.typing as npt

from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.store import catalogue

# About resources, traces and runs, and small: kept for the whole store until it is closed.
OF_THE_STORE = ("known_resources", "trace_runs", "runs")
# Nothing that could be a duplicate: then no question needs the join that would find it.
_DOUBTFUL = """
select 1 from raw_batches where may_hold_duplicates
union all
select 1 from trace_runs where split
limit 1
"""
ONCE_AS_RECEIVED = """
create or replace temp view once_spans as select * exclude (split) from received_spans
"""
# Of the asked runs, in the order in which they read each other.
KEPT_VIEWS = (
    "rolled_levels",
    "rolled_cells",
    "resource_usage",
    "call_spans",
    "calls",
    "concurrency",
    "stages",
    "generator_seconds",
    "limited_slots",
    "stage_health",
    "held_levels",
    "turn_spans",
    "component_observations",
    "faulty_sources",
    "component_chosen",
    "component_spans",
    "turns",
    "component_turns",
    "slot_levels",
    "levels",
    "curve",
)
# Where a time window cuts: the turns and the levels; calls stay, or concurrency would be wrong.
WINDOWED = {
    "turn_spans": "start_ns",
    "slot_levels": "slot * 250000000",
    "rolled_cells": "unix_minute * 60000000000",
}
Window = tuple[int | None, int | None]
_WORDS = re.compile(r"\w+")
ALL_RUNS = frozenset({"*"})
READ_ONLY = (
    duckdb.StatementType.SELECT,
    duckdb.StatementType.EXPLAIN,
)

Arrays = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a collector had acknowledged and that is not there to be read."""

    recording_id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a query with the names and DuckDB types of their columns."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def dicts(self) -> list[dict[str, object]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Reading:
    """An opened store. Use as a context manager; not for several threads at once."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        notes: tuple[str, ...],
        locks: tuple[int, ...] = (),
        losses: tuple[Loss, ...] = (),
    ) -> None:
        self._connection = connection
        self.path = path
        # What could not be read, one sentence each; the losses are among them.
        self.notes = (*notes, *(loss.sentence for loss in losses))
        self.losses = losses
        self._locks = locks  # shared locks of dead recordings, held while their files are open
        self._kept: frozenset[str] = frozenset()  # runs
        self._tables: set[str] = set()  # views that are kept as tables of these runs
        self._of_the_store: set[str] = set()  # and of all runs
        self._window: Window = (None, None)

    def __enter__(self) -> Reading:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()
        for lock in self._locks:
            os.close(lock)
        self._locks = ()

    # --- runs -----------------------------------------------------------------------------------

    def run_id(self, selector: str) -> str:
        """The run meant by an id, the unique beginning of one, a tag, ``latest`` or ``baseline``.

        A tag means the latest run that carries it. StoreError names what there is instead.
        """
        self._release()
        self._keep_of_the_store(frozenset(OF_THE_STORE))
        rows = self._connection.execute(
            "select run_id, tag from runs order by started_ns desc, run_id"
        ).fetchall()
        if not rows:
            others = self._connection.execute("select 1 from raw_spans limit 1").fetchall()
            raise StoreError(
                f"The store {self.path} holds no run yet: "
                + (
                    "its spans belong to none; `ovl export all` writes them,"
                    " `ovl query otel_spans` shows them."
                    if others
                    else "start one with `ovl generate TARGET`."
                )
            )
        if selector == "latest":
            return str(rows[0][0])
        for run_id, tag in rows:
            if selector in (run_id, tag):
                return str(run_id)
        begins = [str(run_id) for run_id, _ in rows if str(run_id).startswith(selector)]
        if len(begins) == 1:
            return begins[0]
        known = ", ".join(str(run_id) for run_id, _ in rows[:5])
        if begins:
            raise StoreError(f"Several runs begin with {selector!r}: {', '.join(begins[:5])}.")
        raise StoreError(
            f"The store {self.path} has no run {selector!r}; the latest are: {known}."
            " `ovl runs` lists all."
        )

    def prepare(
        self, *run_ids: str, since_ns: int | None = None, until_ns: int | None = None
    ) -> None:
        """Keeps the views of these runs as temporary tables until others are asked for.

        ``since_ns`` and ``until_ns`` (unix time) leave out the turns and levels of other times.
        """
        if run_ids:
            views = frozenset((*OF_THE_STORE, *KEPT_VIEWS))
            self._keep(frozenset(run_ids), (since_ns, until_ns), views)

    # --- questions ------------------------------------------------------------------------------

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
        """Rows of the named query; parameters it lacks are ignored, missing ones are NULL."""
        return self.table(name, **parameters).dicts()

    def table(self, name: str, **parameters: object) -> Table:
        """As ``query``, with column names and types."""
        return _table(self._run(name, parameters))

    def arrays(self, name: str, **parameters: object) -> Arrays:
        """As ``query``, in columns; NULL of a number becomes NaN, of anything else its zero."""
        columns = self._run(name, parameters).fetchnumpy()
        return {key: _plain(values) for key, values in columns.items()}

    def sql(self, text: str, **parameters: object) -> Table:
        """The user's own SQL over all runs: one statement that only reads."""
        self._keep_for(text)
        try:
            statements = self._connection.extract_statements(text)
        except duckdb.Error as error:
            raise UsageError(f"The SQL can not be read: {_first_line(error)}") from error
        if len(statements) != 1:
            raise UsageError(f"One SQL statement at a time, please: this holds {len(statements)}.")
        if statements[0].type not in READ_ONLY:
            kind = statements[0].type.name
            raise UsageError(f"A store is read-only for queries: {kind} is not a SELECT.")
        try:
            return _table(self._connection.execute(text, parameters or None))
        except duckdb.Error as error:
            raise UsageError(f"The SQL failed: {_first_line(error)}") from error

    def _run(self, name: str, parameters: dict[str, object]) -> duckdb.DuckDBPyConnection:
        query = catalogue.find(name)
        run = parameters.get("run_id")
        if not isinstance(run, str):
            self._keep_for(query.sql)
        elif run in self._kept:
            self._keep(self._kept, self._window, _read_by(query.sql))
        else:
            self._keep_for(query.sql, frozenset({run}))
        used = self._connection.extract_statements(query.sql)[0].named_parameters
        bound = {key: parameters.get(key) for key in used}
        return self._connection.execute(query.sql, bound or None)

    def _keep_for(self, sql: str, wanted: frozenset[str] = ALL_RUNS) -> None:
        """Keeps what the SQL reads of these runs, where reading it directly would be slow."""
        views = _read_by(sql)
        if views:
            self._keep(wanted, (None, None), views)
        else:
            self._release()

    def _keep(self, wanted: frozenset[str], window: Window, views: frozenset[str]) -> None:
        """These views, beside those that are kept already of the same runs and times."""
        if (wanted, window) != (self._kept, self._window):
            self._release()
        self._kept, self._window = wanted, window
        self._keep_of_the_store(views)
        which = None if wanted == ALL_RUNS else sorted(wanted)
        since_ns, until_ns = window
        for view in KEPT_VIEWS:
            if view in self._tables or view not in views:
                continue
            sql = (
                f"create temp table {view} as select * from {view}"
                " where ($run_ids is null or list_contains($run_ids, run_id))"
            )
            bound: dict[str, object] = {"run_ids": which}
            if view in WINDOWED:
                sql += (
                    f" and ($since is null or {WINDOWED[view]} >= $since)"
                    f" and ($until is null or {WINDOWED[view]} < $until)"
                )
                bound |= {"since": since_ns, "until": until_ns}
            self._connection.execute(sql, bound)
            self._tables.add(view)

    def _keep_of_the_store(self, views: frozenset[str]) -> None:
        for view in OF_THE_STORE:
            if view in views and view not in self._of_the_store:
                # Another Reading of the same connection may have kept them before.
                self._connection.execute(f"create temp table if not exists {view} as from {view}")
                self._of_the_store.add(view)
                if view == "trace_runs" and not self._connection.execute(_DOUBTFUL).fetchall():
                    self._connection.execute(ONCE_AS_RECEIVED)

    def _release(self) -> None:
        for view in reversed(KEPT_VIEWS):
            if view in self._tables:
                self._connection.execute(f"drop table temp.{view}")
        self._tables.clear()
        self._kept = frozenset()
        self._window = (None, None)


def _read_by(sql: str) -> frozenset[str]:
    """The views to keep for some SQL; none where it names none of them itself."""
    named = {word.lower() for word in _WORDS.findall(sql)}
    kept = frozenset((*OF_THE_STORE, *KEPT_VIEWS))
    return frozenset() if named.isdisjoint(kept) else catalogue.needed(named) & kept


def _table(result: duckdb.DuckDBPyConnection) -> Table:
    described = result.description or []
    return Table(
        columns=tuple(str(column[0]) for column in described),
        types=tuple(str(column[1]) for column in described),
        rows=tuple(result.fetchall()),
    )


def _plain(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind in "fiu":
        return np.asarray(np.ma.filled(values.astype(float), np.nan))
    return np.asarray(np.ma.getdata(values))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
