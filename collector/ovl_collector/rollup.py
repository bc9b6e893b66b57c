"""A sealed segment that shrinks: its raw spans go, its analysis cells and its ledger stay.

The small file is a segment like any other with a few tables more (``rollup_*``), so a reader finds
the run, its stages, calls and counts where they were. Cells add up over segments: every file is
rolled up by itself, and a soak of a day keeps its curve. What the cells hold is computed by the
reports' own views. Only sealed files are opened here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb

from ovl_collector import rollup_views
from ovl_collector.files import sync_folder
from ovl_collector.manifest import SegmentEntry
from ovl_collector.segment_file import attach_new, remove_database, schema

_BLOCK_BYTES: Final = 16_384  # DuckDB's least: many columns, few rows
_RUNS: Final = """
select r.run_id, bool_or(s.name = 'run.start'), bool_or(s.name = 'run'),
    bool_or(coalesce(s.attributes ->> '$."voiceload.run.tag"', '') <> '')
from resources r
left join spans s on s.resource_id = r.resource_id and s.name in ('run', 'run.start')
where r.run_id is not null
group by r.run_id
"""


@dataclass(frozen=True, slots=True)
class SegmentRuns:
    """The load tests that a segment holds spans of; ``began`` and ``ended`` as it was told here."""

    runs: frozenset[str] = frozenset()
    began: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    tagged: frozenset[str] = frozenset()
    number: int = 0  # of the segment, as the file itself says


def runs_of(path: Path) -> SegmentRuns:
    """Raises duckdb.Error for a file that can not be read."""
    with duckdb.connect(str(path), read_only=True, config={"threads": "1"}) as connection:
        rows = connection.execute(_RUNS).fetchall()
        number = connection.execute("select max(segment_number) from meta").fetchall()[0][0]
    return SegmentRuns(
        runs=frozenset(row[0] for row in rows),
        began=frozenset(row[0] for row in rows if row[1]),
        ended=frozenset(row[0] for row in rows if row[2]),
        tagged=frozenset(row[0] for row in rows if row[3]),
        number=number or 0,
    )


@dataclass(frozen=True, slots=True)
class Other:
    """Another sealed file of the store. ``is_near``: received at about the same time, so it may
    hold spans of the same turns."""

    path: Path
    runs: frozenset[str]
    is_near: bool


def roll_up(
    path: Path, entry: SegmentEntry, now_unix_ns: int, others: Sequence[Other] = ()
) -> SegmentEntry | None:
    """Replaces the file by its rolled-up form in one step; its new line for the manifest.

    None when it holds nothing of any run: then the file is as it was, and nothing of it is worth
    keeping. Work and memory grow with this file, those near it and the runs' calls; only the first
    file of a run also looks at all its turns.

    Raises duckdb.Error, OSError or CollectorError; the file is then what it was.
    """
    if (kept := _rolled_before(path)) is not None:
        return _rolled(path, entry, kept)  # a kill came between the file and its manifest line
    temporary = path.with_name(path.name + ".tmp")
    spill = path.parent / "spill-rollup"
    remove_database(temporary)
    connection = duckdb.connect(
        ":memory:",
        config={"threads": "1", "memory_limit": "256MB", "temp_directory": str(spill)},
    )
    try:
        kept = _fill(connection, path, temporary, now_unix_ns, others)
    except BaseException:
        connection.close()
        remove_database(temporary)
        raise
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    connection.close()
    if kept is None:
        remove_database(temporary)
        return None
    temporary.replace(path)
    sync_folder(path.parent)
    return _rolled(path, entry, kept)


def _rolled(path: Path, entry: SegmentEntry, kept: tuple[int, int]) -> SegmentEntry:
    spans, points = kept
    return replace(
        entry, spans=spans, metric_points=points, bytes=path.stat().st_size, rolled_up=True
    )


def _rolled_before(path: Path) -> tuple[int, int] | None:
    with duckdb.connect(str(path), read_only=True, config={"threads": "1"}) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        if ("rollup_cells",) not in tables:
            return None
        return _counts(connection, "")


def _counts(connection: duckdb.DuckDBPyConnection, prefix: str) -> tuple[int, int]:
    spans, points = connection.execute(
        f"select (select count(*) from {prefix}spans), (select count(*) from {prefix}metric_points)"
    ).fetchall()[0]
    return int(spans), int(points)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    temporary: Path,
    now_unix_ns: int,
    others: Sequence[Other],
) -> tuple[int, int] | None:
    """Writes the rolled-up form; how many spans and points stay in it, None without any run."""
    attach_new(connection, temporary, _BLOCK_BYTES)
    connection.execute(schema())
    connection.execute(_sql("tables.sql"))
    connection.execute("use memory")
    near = {f"near_{place}": other.path for place, other in enumerate(others) if other.is_near}
    around = _attach(connection, {"old": path, **near})
    rollup_views.make_raw(connection, around)
    runs = rollup_views.find_runs(connection)
    if not runs:
        return None
    # Calls, load and levels are those of the whole runs; without components that is little to read.
    far = {
        f"far_{place}": other.path
        for place, other in enumerate(others)
        if not other.is_near and other.runs & runs
    }
    whole = [*around, *_attach(connection, far)]
    rollup_views.make_raw(connection, whole, spans_where="component is null")
    rollup_views.make_views(connection)
    rollup_views.make_raw(connection, around)
    _see_elsewhere(connection, list(near))
    rollup_views.drop(connection, rollup_views.PER_FILE)
    for name in rollup_views.PER_FILE:
        rollup_views.keep(connection, name)
    for script in ("going.sql", "cells.sql", "keep.sql"):
        for statement in _statements(script):
            bound = {"now_unix_ns": now_unix_ns} if "$now_unix_ns" in statement else None
            connection.execute(statement, bound)
    counts = _counts(connection, "segment.")
    connection.execute("checkpoint segment")
    connection.execute("detach segment")
    return counts


def _attach(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Path]) -> list[str]:
    for name, path in files.items():
        quoted = str(path).replace("'", "''")
        connection.execute(f"attach '{quoted}' as {name} (read_only)")
    return list(files)


def _see_elsewhere(connection: duckdb.DuckDBPyConnection, databases: Sequence[str]) -> None:
    """Spans of `old` that another file holds as well: they are read from there."""
    parts = [
        f"select trace_id, span_id from {name}.spans"
        " where trace_id in (select trace_id from old.spans)"
        for name in databases
    ]
    union = " union all ".join(parts) or "select trace_id, span_id from old.spans where false"
    connection.execute(f"create temp table elsewhere as {union}")


def _statements(name: str) -> list[str]:
    """The statements of a script; its comments hold no semicolon at the end of a line."""
    return [part for part in _sql(name).split(";\n") if part.strip()]


def _sql(name: str) -> str:
    return (resources.files("ovl_collector") / "rollup_sql" / name).read_text()
