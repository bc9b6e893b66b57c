"""A Reading: one opened store, and the questions that may be asked of it.

Named queries work on one run at a time, and the views they read are several joins deep: what a
question reads is kept as tables first (``keeping``), and no more than that. Asking the deepest view
directly takes seconds on any store, for binding alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import duckdb
import numpy as np
import numpy.typing as npt

from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.store import catalogue, spill
from otel_voiceload.store.keeping import Kept

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
        self._kept = Kept(connection)

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
        self._kept.release()
        with self._readable():
            self._kept.ensure_of_the_store()
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
        """Named queries ask about these runs until others are asked about.

        ``since_ns`` and ``until_ns`` (unix time) leave out the turns and levels of other times.
        """
        self._kept.ask_about(run_ids, (since_ns, until_ns))

    def prepare_whole(self, run_id: str | None, views: Iterable[str]) -> None:
        """Keeps these views with every column, of a run or of all, for whoever copies them out."""
        self._kept.ask_all(run_id)
        with self._readable():
            self._kept.ensure(" ".join(views))

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
        self._kept.ask_all()
        with self._readable():
            self._kept.ensure(text)
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

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """A file that was damaged says so when its rows are read: one line, and nobody's bug."""
        try:
            yield
        except duckdb.Error as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: duckdb.Error) -> StoreError:
        if isinstance(error, duckdb.OutOfMemoryException):
            return StoreError(
                f"Half of this machine's memory is too little to read the store {self.path} so:"
                " ask about a part of it (--since, --until), or where there is more memory."
            )
        return StoreError(f"The store {self.path} can not be read: {_first_line(error)}")

    def _run(self, name: str, parameters: dict[str, object]) -> duckdb.DuckDBPyConnection:
        query = catalogue.find(name)
        run = parameters.get("run_id")
        if not isinstance(run, str):
            self._kept.ask_all()
        elif not self._kept.is_about(run):
            self._kept.ask_about([run])
        bound = {key: parameters.get(key) for key in query.parameters}

        def ask() -> duckdb.DuckDBPyConnection:
            try:
                self._kept.ensure(" ".join(query.reads))
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                raise self._unreadable(error) from error
            if isinstance(run, str):
                self._kept.read_only(run)
            return self._connection.execute(query.sql, bound or None)

        try:
            return ask()
        except duckdb.OutOfMemoryException:
            # A report makes do with little, which is too little for what can not be spilled.
            spill.limit(self._connection, spill.HALF)
        try:
            return ask()
        except duckdb.OutOfMemoryException as error:
            raise self._unreadable(error) from error


def _table(result: duckdb.DuckDBPyConnection) -> Table:
    described = result.description or []
    return Table(
        columns=tuple(str(column[0]) for column in described),
        types=tuple(_type_name(column[1]) for column in described),
        rows=tuple(result.fetchall()),
    )


def _type_name(kind: object) -> str:
    """As DuckDB says it; an enumeration would name every call that there was."""
    return "VARCHAR" if getattr(kind, "id", "") == "enum" else str(kind)


def _plain(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind in "fiu":
        return np.asarray(np.ma.filled(values.astype(float), np.nan))
    return np.asarray(np.ma.getdata(values))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
