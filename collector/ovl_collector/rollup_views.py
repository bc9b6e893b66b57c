"""The reader's own views over segment files, so that rolled-up figures are those that spans gave.

A roll-up that computed concurrency, self times or warm-up cuts by rules of its own would drift away
from the reports. So the SQL of ``queries/views`` is run here as it stands: data, no import. Each
view is made a table at once, which the later ones then read: half of the time goes into binding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import duckdb

from ovl_collector.errors import CollectorError

_TABLES: Final = ("spans", "resources", "scopes", "batches", "losses", "metric_points")
_ROLLED: Final = ("cells", "throughput", "cycles", "failures", "levels", "runs")
_MAPPINGS: Final = "@mappings"
# Views that stay views, since what is asked of them is little; and those that nobody asks here.
_NOT_KEPT: Final = (
    "received_spans",
    "once_spans",
    "run_spans",
    "metric_points",
    "turn_records",
    "turn_said",
    "turn_work",
    "turn_explained",
    "component_work",
    "component_chosen",
    "component_selves",
    "component_alone",
)
_NOT_NEEDED: Final = (
    "otel_spans",
    "call_names",
    "ledger",
    "rolled_cells",
    "rolled_turns",
    "rolled_samples",
    "levels",
    "curve",
)
# What depends on turns and components, which are read file by file; the others on calls only.
PER_FILE: Final = (
    "trace_runs",
    "turn_spans",
    "turn_heads",
    "placed_observations",
    "component_observations",
    "told_sources",
    "outvoted_sources",
    "skewed_sources",
    "turn_facts",
    "turns",
    "component_disorder",
    "component_spans",
    "component_turns",
)


def queries_folder() -> Path:
    """Where the views are: beside the package in a wheel, at the top of a checkout.

    Raises CollectorError when they are not there; then nothing can be rolled up.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "otel_voiceload" / "queries", package.parents[1] / "queries"):
        if (folder / "views" / "_order").is_file():
            return folder
    raise CollectorError(f"the SQL of the views is missing beside {package}; reinstall the package")


def make_raw(
    connection: duckdb.DuckDBPyConnection, databases: Sequence[str], spans_where: str = "true"
) -> None:
    """The unions over attached segments that the views read; of the spans those of a condition."""
    for table in _TABLES:
        where = spans_where if table == "spans" else "true"
        parts = (
            f"select (select recording_id from {name}.meta) as recording_id, *"
            f" from {name}.{table} where {where}"
            for name in databases
        )
        connection.execute(
            f"create or replace temp view raw_{table} as {' union all by name '.join(parts)}"
        )
    rolled = [name for name in databases if _has_cells(connection, name)]
    for table in _ROLLED:
        parts = (f"select * from {name}.rollup_{table}" for name in ("segment", *rolled))
        connection.execute(
            f"create or replace temp view raw_rollup_{table} as {' union all '.join(parts)}"
        )


def find_runs(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The runs that the file `old` holds spans of, kept as ``rolled_runs``; call it first."""
    for name in ("known_resources", "trace_runs"):
        connection.execute(f"create temp table {name} as {_body(name)}")
    connection.execute(
        """create temp table rolled_runs as
        select run_id from old.resources where run_id is not null
        union
        select run_id from trace_runs
        where run_id is not null and trace_id in (select trace_id from old.spans)"""
    )
    drop(connection, ("known_resources", "trace_runs"))
    return frozenset(row[0] for row in connection.execute("from rolled_runs").fetchall())


def make_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Every view that a roll-up needs, as a table where it is asked more than once."""
    folder = queries_folder()
    for line in (folder / "views" / "_order").read_text().splitlines():
        name = line.strip().removesuffix(".sql")
        if name == _MAPPINGS:
            _make_mappings(connection, sorted((folder / "mappings").glob("*.sql")))
        elif name in _NOT_KEPT:
            connection.execute(f"create temp view {name} as {_body(name)}")
        elif name and not name.startswith("#") and name not in _NOT_NEEDED:
            keep(connection, name)


def keep(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """A view as a table, cut to the runs that are rolled up (``rolled_runs``)."""
    where = "" if name == "known_resources" else "where run_id in (select run_id from rolled_runs)"
    connection.execute(f"create temp table {name} as select * from ({_body(name)}) {where}")


def drop(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    for name in names:
        connection.execute(f"drop table temp.{name}")


def _body(name: str) -> str:
    """The question of a view's file, without the words that make it a view."""
    text = (queries_folder() / "views" / f"{name}.sql").read_text()
    return text.partition(f"create view {name} as")[2].strip().removesuffix(";")


def _make_mappings(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    for path in files:
        connection.execute(f"create temp view mapping_{path.stem} as {path.read_text()}")
    union = " union all by name ".join(f"select * from mapping_{path.stem}" for path in files)
    connection.execute(f"create temp view mapped as {union}")


def _has_cells(connection: duckdb.DuckDBPyConnection, database: str) -> bool:
    rows = connection.execute(
        "select 1 from duckdb_tables() where database_name = ? and table_name = 'rollup_cells'",
        [database],
    ).fetchall()
    return bool(rows)
