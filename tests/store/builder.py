"""Recordings for tests, by the real way in: records -> spans -> OTLP -> decoder -> segment file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb
import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from otel_voiceload.model import ClockAnchor, Health, MachineUsage, Record, Usage
from otel_voiceload.telemetry.batches import Batch, Batcher, resource
from otel_voiceload.telemetry.metrics import metrics_of
from otel_voiceload.telemetry.otlp import RunScope, attributes
from otel_voiceload.telemetry.resource_metrics import usage_metrics
from otel_voiceload.telemetry.spans import spans_of
from ovl_collector.columns import BATCHES, RESOURCES, SCOPES, from_rows
from ovl_collector.decode import Decoder

UNIX_NS = 1_800_000_000_000_000_000
ANCHOR = ClockAnchor(mono_ns=0, unix_ns=UNIX_NS)
SCHEMA = Path(__file__).parents[2] / "collector" / "ovl_collector" / "schema"
RECORDING = "20270115T080000-test"


def scope_of(run_id: str) -> RunScope:
    return RunScope(run_id, ANCHOR)


def batches_of(records: Iterable[Record], run_id: str) -> list[Batch]:
    """What the telemetry process would send for these records."""
    batcher = Batcher([resource(run_id, 0, 1, {})], max_spans=50_000, max_wait_s=1.0)
    scope = scope_of(run_id)
    for record in records:
        metrics = metrics_of(record, ANCHOR) if isinstance(record, Health) else []
        if isinstance(record, Usage | MachineUsage):
            metrics = usage_metrics(record, ANCHOR)
        batcher.add(0, spans_of(record, scope), metrics, 0.0)
    return batcher.take()


def spans_batch(
    spans: Sequence[Span], resource_values: dict[str, str], scope_name: str = "otel_voiceload"
) -> Batch:
    """A request as anybody's exporter may send it, such as the target's own."""
    request = ExportTraceServiceRequest()
    group = ResourceSpans(
        scope_spans=[ScopeSpans(scope=InstrumentationScope(name=scope_name), spans=spans)]
    )
    group.resource.attributes.extend(attributes(resource_values))
    request.resource_spans.append(group)
    return Batch("traces", request.SerializeToString(), len(spans))


def write_segment(
    path: Path,
    batches: Sequence[Batch],
    *,
    recording: str = RECORDING,
    number: int = 1,
    first_batch_id: int = 1,
    doubtful: frozenset[int] = frozenset(),
    sealed: bool = True,
) -> Path:
    """One segment file; ``doubtful`` names the batches (by position) that may hold duplicates.

    Not sealed: the rows stay in the write-ahead log, as a killed collector leaves them.
    """
    decoder = Decoder()
    path.write_bytes(_empty())
    connection = _connect(path)
    connection.execute("insert into meta values (1, ?, ?, ?, 'test')", [recording, number, UNIX_NS])
    if not sealed:
        connection.execute("checkpoint")
    seen: dict[str, set[int]] = {"resources": set(), "scopes": set()}
    for position, batch in enumerate(batches):
        batch_id = first_batch_id + position
        decoded = decoder.decode(batch.signal, batch.body, batch_id, json=False)
        resources = _fresh(decoded.resources, seen["resources"])
        scopes = _fresh(decoded.scopes, seen["scopes"])
        ledger = (
            batch_id, UNIX_NS + batch_id, batch.signal, batch_id, "127.0.0.1", decoded.received,
            decoded.stored, decoded.rejected, None, False, position in doubtful,
        )  # fmt: skip
        tables = {
            "spans" if batch.signal == "traces" else "metric_points": decoded.rows,
            "resources": from_rows(RESOURCES, resources),
            "scopes": from_rows(SCOPES, scopes),
            "batches": from_rows(BATCHES, [ledger]),
        }
        for table, rows in tables.items():
            connection.register("incoming", rows)
            connection.execute(f"insert into {table} select * from incoming")
            connection.unregister("incoming")
    if sealed:
        connection.execute("checkpoint")
        connection.close()
    else:
        _leave_behind(connection, path)
    return path


@cache
def _empty() -> bytes:
    """A file with the layout and no row: to make every table takes longer than a copy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.duckdb"
        with _connect(path) as connection:
            for name in (SCHEMA / "_order").read_text().split():
                connection.execute((SCHEMA / name).read_text())
            connection.execute("checkpoint")
        return path.read_bytes()


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path, config={"checkpoint_threshold": "1TB"})
    connection.execute("pragma disable_checkpoint_on_shutdown")
    return connection


def _fresh(rows: Mapping[int, tuple[object, ...]], seen: set[int]) -> list[tuple[object, ...]]:
    new = [row for key, row in rows.items() if key not in seen]
    seen |= set(rows)
    return new


def write_store(
    folder: Path,
    segments: Sequence[tuple[Sequence[Batch], bool]],
    *,
    recording: str = RECORDING,
    ended: bool = True,
) -> Path:
    """A store with one recording; each segment is (batches, sealed)."""
    place = folder / "recordings" / recording
    place.mkdir(parents=True)
    entries = []
    first = 1
    for index, (batches, sealed) in enumerate(segments):
        number = index + 1
        path = place / f"segment-{number:04}.duckdb"
        write_segment(
            path, batches, recording=recording, number=number, first_batch_id=first, sealed=sealed
        )
        first += len(batches)
        state = "sealed" if sealed else "live"
        entries.append({"file": path.name, "number": number, "state": state})
    manifest = {"format": 1, "recording": recording, "ended": ended, "segments": entries}
    (place / "manifest.json").write_bytes(orjson.dumps(manifest))
    return folder


def write_run(path: Path, records: Iterable[Record], run_id: str) -> Path:
    """A single file with one run, as ``ovl export -o run.duckdb`` gives."""
    return write_segment(path, batches_of(records, run_id))


def _leave_behind(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Copies the file with its log while it is open, which is how a killed process leaves both."""
    log = path.with_name(path.name + ".wal")
    kept = [(each, each.with_name(each.name + ".kept")) for each in (path, log) if each.exists()]
    for original, copy in kept:
        shutil.copy(original, copy)
    connection.close()
    for original, copy in kept:
        copy.rename(original)
