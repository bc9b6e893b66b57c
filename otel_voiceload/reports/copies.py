"""Copies of a run that leave the store: one DuckDB file, Parquet, CSV, OTLP JSON lines.

In place of a run stands ``all``: whatever the store holds, spans that belong to no run among it.
A copy is written beside its place under another name and moved there when it is whole, so a broken
export never looks like a finished one. The store's own connection may touch no files, so a second
one reads the same segments.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import duckdb

from otel_voiceload import __version__
from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.reports import otlp_lines
from otel_voiceload.reports.runs import open_selected
from otel_voiceload.store import attach, catalogue, spill
from otel_voiceload.store.catalogue import RUN_VIEWS
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading

Kind = Literal["duckdb", "otlp", "parquet", "csv"]
SUFFIXES: Final[dict[str, Kind]] = {
    ".duckdb": "duckdb",
    ".jsonl": "otlp",
    ".parquet": "parquet",
    ".csv": "csv",
}
_STORAGE: Final = "v1.5.0"
_FETCH: Final = 2000
ALL: Final = "all"
# Without a run ($run_id is null) everything is copied.
_WANTED: Final = "($run_id is null or run_id = $run_id)"
_IS_ROLLED_UP: Final = f"select 1 from raw_rollup_runs where {_WANTED}"
_HOLDS_ANYTHING: Final = """
select 1 from raw_spans union all select 1 from raw_metric_points limit 1
"""
_COPY: Final = {
    "spans": """
        create table copy.spans as
        select s.* exclude (recording_id) replace (hash(s.recording_id, s.batch_id) as batch_id)
        from raw_spans s join trace_runs t using (trace_id)
        where $run_id is null or t.run_id = $run_id
    """,
    "metric_points": """
        create table copy.metric_points as
        select m.* exclude (recording_id) replace (hash(m.recording_id, m.batch_id) as batch_id)
        from raw_metric_points m join known_resources r using (resource_id)
        where $run_id is null or r.run_id = $run_id
    """,
    "resources": """
        create table copy.resources as
        select any_value(columns(* exclude (recording_id, resource_id))), resource_id
        from raw_resources
        where resource_id in (
            select resource_id from copy.spans union select resource_id from copy.metric_points
        )
        group by resource_id
    """,
    "scopes": """
        create table copy.scopes as
        select any_value(columns(* exclude (recording_id, scope_id))), scope_id
        from raw_scopes
        where scope_id in (
            select scope_id from copy.spans union select scope_id from copy.metric_points
        )
        group by scope_id
    """,
    # Batch ids are unique within a recording only, and a run may lie in two.
    "batches": """
        create table copy.batches as
        select * exclude (recording_id) replace (hash(recording_id, batch_id) as batch_id)
        from raw_batches
        where hash(recording_id, batch_id) in (
            select batch_id from copy.spans union select batch_id from copy.metric_points
        )
    """,
    "losses": """
        create table copy.losses as
        select * exclude (recording_id) from raw_losses
        where $run_id is null or recording_id in (
            select s.recording_id from raw_spans s join trace_runs t using (trace_id)
            where t.run_id = $run_id
        )
    """,
    "meta": """
        create table copy.meta as
        select $version::integer as schema_version, coalesce($run_id, 'all') as recording_id,
            1::integer as segment_number, $now::ubigint as created_unix_nano,
            $program as collector_version
    """,
}


@contextmanager
def source(store: Path, selector: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, str | None]]:
    """A connection that may write files, with all views over the store, and the run's id.

    The id is None where everything is meant. StoreError when there is nothing.
    """
    run_id: str | None
    if selector == ALL:
        reading, run_id = open_store(store), None
    else:
        reading, run_id = open_selected(store, selector)
    with reading, spill.connect() as connection:
        if not reading.sql(_HOLDS_ANYTHING).rows:
            raise StoreError(f"The store {store} holds nothing yet: there is nothing to export.")
        rows = reading.sql(
            "select path from duckdb_databases() where database_name like 'segment_%'"
        ).rows
        connection.execute("set timezone = 'UTC'")
        segments = [
            attach.attach(connection, Path(str(row[0])), f"segment_{place}")
            for place, row in enumerate(rows)
        ]
        attach.make_views(connection, segments)
        yield connection, run_id


def kind_of(path: Path) -> Kind:
    """What a file is to hold, by its name."""
    kind = SUFFIXES.get(path.suffix)
    if kind is None:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"what should {path} hold? name it with one of {known}, or say --as")
    return kind


def write(store: Path, selector: str, path: Path, kind: Kind, view: str) -> str:
    """Writes the copy and returns the run's id or ``all``; Parquet and CSV hold ``view``."""
    if view not in RUN_VIEWS:
        raise UsageError(f"no view is called {view!r}; choose one of {', '.join(RUN_VIEWS)}")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it, or give another file with -o")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with source(store, selector) as (connection, run_id):
            if kind == "duckdb":
                _to_duckdb(connection, run_id, part)
            elif kind == "otlp":
                with part.open("wb") as out:
                    out.writelines(line + b"\n" for line in lines(connection, run_id))
            else:
                _to_table_file(connection, run_id, view, part, kind)
        part.replace(path)
    except OSError as error:
        raise UsageError(f"can not write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return run_id or ALL


def lines(connection: duckdb.DuckDBPyConnection, run_id: str | None) -> Iterator[bytes]:
    """OTLP JSON, spans first, then metrics; read in pieces, so that size costs no memory."""
    yield from otlp_lines.trace_lines(_rows(connection, "otlp_spans", run_id))
    yield from otlp_lines.metric_lines(_rows(connection, "otlp_metrics", run_id))


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, run_id: str | None
) -> Iterator[dict[str, object]]:
    cursor = connection.execute(catalogue.find(query).sql, {"run_id": run_id})
    names = [str(column[0]) for column in cursor.description or ()]
    while rows := cursor.fetchmany(_FETCH):
        for row in rows:
            yield dict(zip(names, row, strict=True))


def _to_table_file(
    connection: duckdb.DuckDBPyConnection, run_id: str | None, view: str, path: Path, kind: Kind
) -> None:
    _keep_views(connection, run_id, path, [view])
    rows = connection.table(view)
    if run_id is not None:
        rows = rows.filter(duckdb.ColumnExpression("run_id") == duckdb.ConstantExpression(run_id))
    if kind == "parquet":
        rows.write_parquet(str(path))
    else:
        rows.write_csv(str(path))


def _keep_views(
    connection: duckdb.DuckDBPyConnection, run_id: str | None, path: Path, views: Iterable[str]
) -> None:
    """A Reading keeps the views as tables; asked directly, the deep ones take long."""
    Reading(connection, path, ()).prepare_whole(run_id, views)


def _to_duckdb(connection: duckdb.DuckDBPyConnection, run_id: str | None, path: Path) -> None:
    """The raw rows in the layout that `ovl` reads again, and what people ask beside them."""
    quoted = str(path).replace("'", "''")
    connection.execute(f"attach '{quoted}' as copy (storage_version '{_STORAGE}')")
    values = {
        "run_id": run_id,
        "version": attach.SCHEMA_VERSION,
        "now": time.time_ns(),
        "program": __version__,
    }
    for name, statement in _COPY.items():
        used = {key: value for key, value in values.items() if f"${key}" in statement}
        try:
            connection.execute(statement, used or None)
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            what = "the store" if run_id is None else f"the run {run_id}"
            raise StoreError(f"{what} can not be copied, {name}: {why}") from error
    if connection.execute(_IS_ROLLED_UP, {"run_id": run_id}).fetchone():
        for table in attach.ROLLED_UP:
            connection.execute(
                f"create table copy.rollup_{table} as from raw_rollup_{table} where {_WANTED}",
                {"run_id": run_id},
            )
    # The views' answers too, as tables: whoever opens the file has `turns` at once, in any DuckDB.
    _keep_views(connection, run_id, path, RUN_VIEWS)
    for view in RUN_VIEWS:
        if view not in _COPY:
            connection.execute(
                f"create table copy.{view} as from {view} where {_WANTED}",
                {"run_id": run_id},
            )
    connection.execute("detach copy")
