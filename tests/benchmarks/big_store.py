"""A store as large as wanted: one simulated run by the bulk path, multiplied.

The run is simulated and collected as any other. Its traces are then copied under new ids, so that
``copies`` callers stand where one stood, a little later each, and laid down as a collector would
have: segments of its own size in the order of time, the spans of a turn beside each other. Metric
points, stages and the run itself stay single; what the stages asked for grows with the callers.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import orjson

from ovl_collector.segments import Rotation
from tests.benchmarks.running import COMMAND, environment
from tests.store.builder import SCHEMA, UNIX_NS

AGENT: Final = """
seed: 1
components:
  stt: {latency: {median: 100ms, p95: 170ms}, hold: 1.0, capacity: 60, over_capacity: queue}
  llm: {latency: {median: 200ms, p95: 350ms}, hold: 2.0, capacity: 5, over_capacity: queue}
  tts: {latency: {median: 100ms, p95: 180ms}, hold: 1.5, capacity: 60, over_capacity: queue}
"""
LEVELS: Final = (10, 20, 40, 80, 160, 40)
SPANS_PER_CALL_SECOND: Final = 0.75  # about: what makes the run as long as wanted
BASE_SPANS: Final = 100_000
RECORDING: Final = "20260101T000000-multiplied"
_SINGLE: Final = "('run', 'run.start', 'stage', 'stage.start')"
_LATER_NS: Final = 7_919_000  # per copy: nobody calls in the same nanosecond
_DUPLICATE: Final = f"""
insert into spans by name
select
    * exclude (copy, place) replace (
        if(copy = 0, trace_id, unhex(md5(concat(trace_id::varchar, copy)))) as trace_id,
        if(copy = 0, span_id, unhex(left(md5(concat(span_id::varchar, copy)), 16))) as span_id,
        if(copy = 0 or parent_span_id is null, parent_span_id,
            unhex(left(md5(concat(parent_span_id::varchar, copy)), 16))) as parent_span_id,
        if(copy = 0 or session_id is null, session_id,
            md5(concat(trace_id::varchar, copy)) || substr(session_id, 33)) as session_id,
        (start_time_unix_nano + copy * {_LATER_NS})::ubigint as start_time_unix_nano,
        (end_time_unix_nano + copy * {_LATER_NS})::ubigint as end_time_unix_nano,
        concurrency_target * $copies as concurrency_target,
        ($first_batch + copy)::ubigint as batch_id
    )
from (
    select s.*, copy::integer as copy
    from (select * from base.spans_in_order where place >= $low and place < $high) s,
        range($copies) c(copy)
    where copy = 0 or name not in {_SINGLE}
)
order by copy, place
"""


@dataclass(frozen=True, slots=True)
class Store:
    path: Path
    spans: int


def simulated(folder: Path, spans: int) -> Store:
    """A store with one simulated run of about ``spans`` spans, by the way every run takes.

    One that is there already is taken as it is; so it is by ``multiplied``.
    """
    store = folder / "simulated"
    if store.is_dir():
        return _found(store)
    (folder / "agent.yaml").write_text(AGENT, "utf-8")
    hold_s = max(20, round(spans / (SPANS_PER_CALL_SECOND * sum(LEVELS))))
    stages = [word for calls in LEVELS for word in ("--stage", f"hold:{hold_s}s:{calls}")]
    words = ["generate", "sim:agent.yaml", "--seed", "1", "--store", "simulated", *stages, "-q"]
    done = subprocess.run(
        [*COMMAND, *words], cwd=folder, env=environment(), capture_output=True, text=True
    )
    if done.returncode not in (0, 4, 99):
        raise SystemExit(f"the run could not be simulated: {done.stderr.strip()[-300:]}")
    return _found(store)


def multiplied(folder: Path, source: Path, copies: int) -> Store:
    """A store like ``source`` (one run) with ``copies`` of every call."""
    store = folder / "multiplied"
    if store.is_dir():
        return _found(store)
    base = folder / "base.duckdb"
    segments = sorted(source.glob("recordings/*/segment-*.duckdb"))
    single = _gathered(base, segments, copies)
    place = store / "recordings" / RECORDING
    place.mkdir(parents=True)
    step = max(1, Rotation().items // copies)
    entries: list[dict[str, object]] = []
    for number, low in enumerate(range(0, single, step), start=1):
        path = place / f"segment-{number:04}.duckdb"
        batches, stored, points = _segment(base, path, number, (low, low + step), copies)
        entries.append(
            {
                "file": path.name,
                "number": number,
                "state": "sealed",
                "batches": batches,
                "spans": stored,
                "metric_points": points,
            }
        )
    manifest = {
        "format": 1,
        "recording": RECORDING,
        "created_unix_ns": UNIX_NS,
        "ended": True,
        "segments": entries,
    }
    (place / "manifest.json").write_bytes(orjson.dumps(manifest))
    base.unlink()
    return _found(store)


def _found(store: Path) -> Store:
    manifests = store.glob("recordings/*/manifest.json")
    listed = [each for path in manifests for each in orjson.loads(path.read_bytes())["segments"]]
    return Store(store, sum(each["spans"] for each in listed))


def _gathered(base: Path, segments: Sequence[Path], copies: int) -> int:
    """All rows of the run in one file, in the order in which they came; how many spans."""
    with _connected(base) as connection:
        for index, path in enumerate(segments):
            connection.execute(f"attach '{path}' as s{index} (read_only)")
        for table in ("spans", "metric_points", "resources", "scopes"):
            union = " union all by name ".join(
                f"select {index} as segment, * from s{index}.{table}"
                for index in range(len(segments))
            )
            connection.execute(f"create table {table} as {union}")
        connection.execute(
            "create table spans_in_order as select * exclude (segment, n),"
            " row_number() over (order by segment, n) - 1 as place"
            " from (select *, rowid as n from spans)"
        )
        stages = connection.execute(
            "select place, attributes from spans_in_order where name in ('stage', 'stage.start')"
        ).fetchall()
        for place, attributes in stages:
            said = orjson.loads(attributes)
            for key in ("voiceload.stage.calls_from", "voiceload.stage.calls_to"):
                said[key] = said[key] * copies
            connection.execute(
                "update spans_in_order set attributes = ? where place = ?",
                [orjson.dumps(said).decode(), place],
            )
        rows = connection.execute("select count(*) from spans_in_order").fetchall()
    return int(rows[0][0])


def _connected(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path))
    connection.execute("set enable_progress_bar = false")
    return connection


def _segment(
    base: Path, path: Path, number: int, between: tuple[int, int], copies: int
) -> tuple[int, int, int]:
    """One file with the copies of a piece of the run; its batches, spans and metric points."""
    connection = _connected(path)
    for name in (SCHEMA / "_order").read_text().split():
        connection.execute((SCHEMA / name).read_text())
    connection.execute(
        "insert into meta values (1, ?, ?, ?, 'benchmark')", [RECORDING, number, UNIX_NS]
    )
    connection.execute(f"attach '{base}' as base (read_only)")
    first_batch = number * 100_000
    connection.execute(
        _DUPLICATE,
        {"low": between[0], "high": between[1], "copies": copies, "first_batch": first_batch},
    )
    for table, key in (("resources", "resource_id"), ("scopes", "scope_id")):
        connection.execute(
            f"insert into {table} by name select any_value(columns(* exclude (segment, {key}))),"
            f" {key} from base.{table} group by {key}"
        )
    points = 0
    if number == 1:
        points = int(
            connection.execute(
                "insert into metric_points by name select * exclude (segment)"
                f" replace ({first_batch + copies}::ubigint as batch_id) from base.metric_points"
            ).fetchall()[0][0]
        )
    connection.execute(
        "insert into batches select batch_id, $now::ubigint, 'traces', batch_id, 'benchmark',"
        " count(*), count(*), 0, null, false, false from spans group by batch_id",
        {"now": UNIX_NS},
    )
    if points:
        connection.execute(
            "insert into batches"
            " values (?, ?, 'metrics', 0, 'benchmark', ?, ?, 0, null, false, false)",
            [first_batch + copies, UNIX_NS, points, points],
        )
    counts = connection.execute(
        "select (select count(*) from batches), (select count(*) from spans)"
    ).fetchall()[0]
    connection.execute("checkpoint")
    connection.close()
    return int(counts[0]), int(counts[1]), points
