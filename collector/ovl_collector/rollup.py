"""A sealed segment that shrinks: its raw spans go, its analysis cells and its ledger stay.

The small file is a segment like any other with one table more (``rollup_cells``), so a reader finds
the run, its stages and its counts where they were. Cells add up over segments: every file is rolled
up by itself, and a soak of a day keeps its curve. Only sealed files are opened here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb

from ovl_collector.files import sync_folder
from ovl_collector.manifest import SegmentEntry
from ovl_collector.segment_file import attach_new, remove_database, schema

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


def roll_up(path: Path, entry: SegmentEntry, now_unix_ns: int) -> SegmentEntry:
    """Replaces the file by its rolled-up form in one step; its new line for the manifest.

    Raises duckdb.Error or OSError; the file is then what it was.
    """
    temporary = path.with_name(path.name + ".tmp")
    remove_database(temporary)
    connection = duckdb.connect(":memory:", config={"threads": "1", "memory_limit": "256MB"})
    try:
        attach_new(connection, temporary)
        quoted = str(path).replace("'", "''")
        connection.execute(f"attach '{quoted}' as old (read_only)")
        connection.execute(schema())
        connection.execute("begin transaction")
        connection.execute(_sql("cells.sql"))
        for statement in _sql("keep.sql").split(";"):
            if "insert" in statement:
                values = {"now_unix_ns": now_unix_ns} if "$now_unix_ns" in statement else {}
                connection.execute(statement, values)
        connection.execute("commit")
        spans = connection.execute("select count(*) from segment.spans").fetchone()
        connection.execute("use memory")
        connection.execute("checkpoint segment")
        connection.execute("detach segment")
    except duckdb.Error:
        connection.close()
        remove_database(temporary)
        raise
    connection.close()
    temporary.replace(path)
    sync_folder(path.parent)
    return replace(
        entry,
        spans=spans[0] if spans else 0,
        metric_points=0,
        bytes=path.stat().st_size,
        rolled_up=True,
    )


def _sql(name: str) -> str:
    return (resources.files("ovl_collector") / "rollup_sql" / name).read_text()
