"""Attaching segment files and making the views: from files on disk to a database to ask.

A live file whose collector died still has its write-ahead log beside it; DuckDB replays it when the
file is opened read-only, in memory, so nothing on disk changes. A log that was cut short is
replayed as far as it goes without a word, and a file that was put in another's place opens like any
other; the ledger's counts are what shows both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from otel_voiceload.errors import StoreError
from otel_voiceload.store import bound, catalogue
from otel_voiceload.store.locate import Segment

SCHEMA_VERSION = 1
TABLES = ("spans", "resources", "scopes", "batches", "losses", "metric_points")
MAPPINGS_MARK = "@mappings"

# Without a segment there is still a database to ask: every view exists and is empty.
EMPTY = {
    "spans": """select ''::blob as trace_id, ''::blob as span_id, ''::blob as parent_span_id,
        '' as trace_state, 0::uinteger as flags, '' as name, 0::utinyint as kind,
        0::ubigint as start_time_unix_nano, 0::ubigint as end_time_unix_nano,
        0::utinyint as status_code, '' as status_message, 0::uinteger as dropped_attributes_count,
        0::uinteger as dropped_events_count, 0::uinteger as dropped_links_count,
        0::ubigint as resource_id, 0::ubigint as scope_id, 0::ubigint as batch_id,
        '' as session_id, '' as phase, 0 as stage_index, 0 as concurrency_target,
        0 as concurrency_local, 0 as call_index, '' as call_outcome, 0 as turn_index,
        '' as turn_outcome, false as turn_first, 0::double as response_latency_s,
        0::double as send_delay_s, '' as component, 0 as component_attempt,
        0::double as component_latency_s, 0::double as component_busy_s,
        0::double as component_queue_s, '' as component_source, '' as error_type,
        '{}'::json as attributes, '[]'::json as events, '[]'::json as links""",
    "resources": """select 0::ubigint as resource_id, '{}'::json as attributes,
        0::uinteger as dropped_attributes_count, '[]'::json as entity_refs, '' as schema_url,
        '' as service_name, '' as run_id""",
    "scopes": """select 0::ubigint as scope_id, '' as name, '' as version, '{}'::json as attributes,
        0::uinteger as dropped_attributes_count, '' as schema_url""",
    "batches": """select 0::ubigint as batch_id, 0::ubigint as received_unix_nano, '' as signal,
        0::ubigint as request_hash, '' as peer, 0::uinteger as items_received,
        0::uinteger as items_stored, 0::uinteger as items_rejected, '{}'::json as reject_reasons,
        false as is_resend, false as may_hold_duplicates""",
    "losses": """select 0::ubigint as at_unix_nano, '' as signal, '' as reason,
        0::uinteger as requests, 0::uinteger as items""",
    "metric_points": """select '' as name, '' as kind, '' as unit, '' as description,
        0::ubigint as start_time_unix_nano, 0::ubigint as time_unix_nano, 0::double as value,
        false as is_monotonic, 0::utinyint as temporality, '{}'::json as attributes,
        '{}'::json as point, '{}'::json as metadata, 0::uinteger as flags,
        0::ubigint as resource_id, 0::ubigint as scope_id, 0::ubigint as batch_id""",
}


# What a mapping says in its first line of the scopes that it reads; without it, it reads any.
_SCOPES = re.compile(r"-- scopes: (.+)\n")

# What retention leaves of turns, in files that it has rolled up; in no other.
ROLLED_UP = {
    "cells": """select '' as run_id, '' as component, '' as source, 0 as level_no, 0 as block,
        false as counts, false as limited, false as first, '' as phase, '' as scenario,
        0::bigint as unix_minute, false as failed, false as interrupted, 0::smallint as bucket,
        0::uinteger as turns, 0::double as sum_s, 0::uinteger as self_turns,
        0::double as self_sum_s, 0::double as self_sum_squares""",
    "throughput": """select '' as run_id, '' as component, 0 as level_no, 0 as block,
        0::uinteger as finished, 0::uinteger as ended""",
    "cycles": """select '' as run_id, 0 as level_no, '' as call_id, 0::uinteger as cycles,
        0::double as sum_s""",
    "failures": """select '' as run_id, '' as component, '' as error_type,
        0::uinteger as attempts""",
    "levels": """select '' as run_id, 0 as level_no, 0::bigint as counts_from_ns,
        false as keeps_first""",
    "runs": """select '' as run_id, 0::uinteger as turns, 0::uinteger as impossible_turns,
        0::uinteger as spans_of_generator, 0::uinteger as spans_of_others, 0::bigint as first_ns,
        0::bigint as last_ns""",
}

# What a file holds against what its own ledger says it should; counts cost next to nothing.
_HELD = """
select
    (select count(*) from {0}.batches),
    (select count(*) from {0}.spans),
    (select count(*) from {0}.metric_points),
    (select coalesce(sum(items_stored) filter (signal = 'traces'), 0) from {0}.batches),
    (select coalesce(sum(items_stored) filter (signal = 'metrics'), 0) from {0}.batches),
    (select coalesce(sum(items) filter (signal = 'traces'), 0) from {0}.losses
        where reason = 'retention'),
    (select coalesce(sum(items) filter (signal = 'metrics'), 0) from {0}.losses
        where reason = 'retention')
"""


@dataclass(frozen=True, slots=True)
class Attached:
    alias: str
    recording_id: str
    path: Path
    number: int = 1


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of an attached file, what its batches stored, and what retention took out again."""

    batches: int
    spans: int
    metric_points: int
    spans_stored: int
    points_stored: int
    spans_removed: int
    points_removed: int

    @property
    def closes(self) -> bool:
        return (self.spans + self.spans_removed, self.metric_points + self.points_removed) == (
            self.spans_stored,
            self.points_stored,
        )


def attach(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> Attached:
    """Attaches one segment read-only; StoreError when it is not one of a layout we know."""
    quoted = str(path).replace("'", "''")
    try:
        connection.execute(f"attach '{quoted}' as {alias} (read_only)")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"The file {path} can not be opened as a recording: {reason}") from error
    try:
        rows = connection.execute(
            f"select schema_version, recording_id, segment_number from {alias}.meta"
        ).fetchall()
    except duckdb.Error as error:
        raise StoreError(
            f"The file {path} is a DuckDB file but no recording of ours: it has no `meta` table."
        ) from error
    if not rows or rows[0][0] != SCHEMA_VERSION:
        found = rows[0][0] if rows else "none"
        raise StoreError(
            f"The file {path} has layout {found}, this version reads {SCHEMA_VERSION}:"
            " use the version of otel-voiceload that wrote it."
        )
    return Attached(alias, str(rows[0][1]), path, int(rows[0][2]))


def held(connection: duckdb.DuckDBPyConnection, segment: Attached) -> Held:
    """Counts the rows of an attached file. StoreError when they can not be read."""
    try:
        row = connection.execute(_HELD.format(segment.alias)).fetchall()[0]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"The file {segment.path} can not be read: {reason}") from error
    return Held(*(int(count) for count in row))


def contradiction(
    attached: Attached, found: Held, recording_id: str, listed: Segment
) -> str | None:
    """A sentence when a file is not the one that the manifest lists under its name.

    A file that retention has rolled up may have been replaced just before its manifest was: then
    the manifest still counts what it had stored.
    """
    why = ""
    counts = listed.counts
    if (attached.recording_id, attached.number) != (recording_id, listed.number):
        why = f"it is segment {attached.number} of recording {attached.recording_id}"
    elif not found.closes:
        why = f"it holds {found.spans} spans and its own ledger says {found.spans_stored}"
    elif counts is not None:
        rows = found.batches, found.spans, found.metric_points
        if not counts.rolled_up:
            rows = found.batches, found.spans_stored, found.points_stored
        if rows != (counts.batches, counts.spans, counts.metric_points):
            why = (
                f"it holds {rows[1]} spans of {rows[0]} batches and the manifest says"
                f" {counts.spans} of {counts.batches}"
            )
    if not why:
        return None
    return (
        f"The file {listed.path.name} of recording {recording_id} is not the one that its"
        f" collector sealed ({why}): it was not read."
    )


def missing(segment: Attached, found: Held, promised: tuple[int, int]) -> str | None:
    """A sentence when a file holds less than its collector had answered for."""
    short = max(0, promised[0] - found.spans) + max(0, promised[1] - found.metric_points)
    if not short:
        return None
    return (
        f"{short} spans or metric points that were acknowledged are missing from"
        f" {segment.path.name} of recording {segment.recording_id}."
    )


def make_views(connection: duckdb.DuckDBPyConnection, segments: Iterable[Attached]) -> None:
    """The raw unions over the segments, then every view file, mappings where `_order` says."""
    attached = tuple(segments)
    connection.execute("create table attached_segments (alias varchar, recording_id varchar)")
    for segment in attached:
        connection.execute(
            "insert into attached_segments values ($alias, $recording_id)",
            {"alias": segment.alias, "recording_id": segment.recording_id},
        )
    for table in TABLES:
        union = _union(table, [(each.alias, each.recording_id) for each in attached])
        connection.execute(f"create view raw_{table} as {union}")
    rolled_up = _rolled_up(connection, attached)
    for table, empty in ROLLED_UP.items():
        parts = [f"select * from {each.alias}.rollup_{table}" for each in rolled_up]
        union = " union all by name ".join(parts) or f"select * from ({empty}) where false"
        connection.execute(f"create view raw_rollup_{table} as {union}")
    files = catalogue.view_files()
    mappings = mappings_of(connection) if _are_mapped(files) else ()
    create = partial(_create_views, files=files, mappings=mappings)
    if not bound.attach_views(connection, (*files, *catalogue.mapping_files()), mappings, create):
        create(connection)


def recordings_of_runs(connection: duckdb.DuckDBPyConnection) -> dict[str | None, frozenset[str]]:
    """The recordings in which a resource names a run, by run; under None those where some resource
    names none, so that its spans may be of any."""
    rows = _asked(
        connection,
        "select distinct run_id, recording_id from raw_resources"
        " where service_name is distinct from 'ovl-collector'",
    )
    found: dict[str | None, set[str]] = {}
    for run_id, recording_id in rows:
        found.setdefault(None if run_id is None else str(run_id), set()).add(str(recording_id))
    return {run_id: frozenset(recordings) for run_id, recordings in found.items()}


def show_spans(connection: duckdb.DuckDBPyConnection, recordings: frozenset[str] | None) -> None:
    """From now on spans are those of these recordings, or of all."""
    connection.execute("drop view if exists temp.raw_spans")
    if recordings is None:
        return
    rows = _asked(connection, "select alias, recording_id from attached_segments")
    union = _union("spans", [(str(alias), str(name)) for alias, name in rows if name in recordings])
    connection.execute(f"create temp view raw_spans as {union}")


def _are_mapped(files: Iterable[Path]) -> bool:
    return any(path.name == MAPPINGS_MARK for path in files)


def _create_views(
    connection: duckdb.DuckDBPyConnection, files: Iterable[Path], mappings: Sequence[str]
) -> None:
    """DuckDB binds a view when it is created, and with it everything that it reads, over and over:
    1.5 s for all. Against empty stand-ins of the earlier views the same takes a tenth.
    """
    stand_ins = []
    for path in files:
        if path.name == MAPPINGS_MARK:
            _make_mappings(connection, mappings)
            name = "mapped"
        else:
            connection.execute(path.read_text())
            name = path.stem
        connection.execute(f"create temp table {name} as select * from {name} limit 0")
        stand_ins.append(name)
    for name in stand_ins:
        connection.execute(f"drop table temp.{name}")


def _union(table: str, segments: Sequence[tuple[str, str]]) -> str:
    """Of segments as (alias, recording)."""
    if not segments:
        return f"select '' as recording_id, * from ({EMPTY[table]}) where false"
    parts = (
        f"select '{recording_id.replace(chr(39), chr(39) * 2)}' as recording_id, *"
        f" from {alias}.{table}"
        for alias, recording_id in segments
    )
    return " union all by name ".join(parts)


def _rolled_up(
    connection: duckdb.DuckDBPyConnection, segments: tuple[Attached, ...]
) -> tuple[Attached, ...]:
    rows = connection.execute(
        "select database_name from duckdb_tables() where table_name = 'rollup_cells'"
    ).fetchall()
    names = {row[0] for row in rows}
    return tuple(segment for segment in segments if segment.alias in names)


def _make_mappings(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """One view per mapping, and ``mapped_spans`` over those that can find something here.

    Every view above `mapped` binds and plans each mapping anew, with all that it reads, which costs
    more than the rows of a usual run. A mapping of scopes that the store does not know gives none.
    """
    for path in catalogue.mapping_files():
        connection.execute(f"create view mapping_{path.stem} as {path.read_text()}")
    union = " union all by name ".join(f"select * from mapping_{name}" for name in names)
    connection.execute(f"create view mapped_spans as {union}")
    # What all others read; a Reading puts numbers in place of calls' names here (keeping.py).
    connection.execute("create view mapped as from mapped_spans")


def mappings_of(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The mappings that can find something in what is attached; ours always."""
    known = {str(row[0]) for row in _asked(connection, "select distinct name from raw_scopes")}
    names = []
    for path in catalogue.mapping_files():
        scopes = _SCOPES.match(path.read_text())
        if scopes is None or known.intersection(scopes[1].split(", ")):
            names.append(path.stem)
    return tuple(names)


def spans(connection: duckdb.DuckDBPyConnection) -> int:
    """How many spans were received, of all attached files; counting them costs next to nothing."""
    ((count,),) = _asked(connection, "select count(*) from raw_spans")
    return int(str(count))


def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    try:
        return connection.execute(sql).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"A file of the store can not be read: {reason}") from error
