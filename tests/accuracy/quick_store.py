"""A simulated run to be asked without OTLP: its records as rows of the view ``mapped_spans``.

Encoding, decoding and mapping a run's spans costs several times what simulating it does, and says
nothing of the analysis. From there on all is the store's own: the same views, the same
queries. Runs and stages, which are few, do go the whole way.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from otel_voiceload.capacity.simulate import SimulatedRecord
from otel_voiceload.model import NS_PER_S, CallRecord, RunRecord, StageRecord, TurnRecord
from otel_voiceload.store import bound
from otel_voiceload.store.attach import Attached, make_views
from otel_voiceload.store.reading import Reading
from ovl_collector.columns import RESOURCES, SCOPES, from_rows
from ovl_collector.decode import Decoder
from tests.store.builder import RECORDING, SCHEMA, UNIX_NS, batches_of

Row = dict[str, object]

_COLUMNS = pa.schema(
    [
        ("role", pa.string()),
        ("service_name", pa.string()),
        ("call_id", pa.string()),
        ("trace_id", pa.binary()),
        ("start_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("component", pa.string()),
        ("attempt", pa.int32()),
        ("latency_s", pa.float64()),
        ("source", pa.string()),
        ("error_type", pa.string()),
        ("phase", pa.string()),
        ("stage_index", pa.int32()),
        ("turn_index", pa.int32()),
        ("outcome", pa.string()),
        ("first", pa.bool_()),
        ("busy_s", pa.float64()),
        ("queue_s", pa.float64()),
        ("attributes", pa.string()),
    ]
)


class QuickStore:
    """Views that are made once, which takes a second, for one run after the other."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("attach ':memory:' as played; use played")
        for name in (SCHEMA / "_order").read_text().split():
            self._connection.execute((SCHEMA / name).read_text())
        self._connection.execute("use memory")
        make_views(self._connection, [Attached("played", RECORDING, Path("played"))])

    def open(self, records: Iterable[SimulatedRecord], run_id: str) -> Reading:
        """The reading of a store that holds just this run; closes with it."""
        rows: list[Row] = []
        described = []
        for record in records:
            match record:
                case TurnRecord():
                    rows += _turn(record)
                case CallRecord():
                    rows.append(_call(record))
                case RunRecord() | StageRecord():
                    described.append(record)
        connection = self._connection.cursor()
        bound.look(connection)
        _decode(connection, described, run_id)
        connection.register("incoming", pa.Table.from_pylist(rows, _COLUMNS))
        connection.execute(
            "create temp table mapped_spans as (select * from mapped_spans limit 0)"
            f" union all by name select *, '{run_id}' as run_id from incoming"
        )
        connection.unregister("incoming")
        return Reading(connection, Path("played"), ())


def _decode(
    connection: duckdb.DuckDBPyConnection, records: list[RunRecord | StageRecord], run_id: str
) -> None:
    decoder = Decoder()
    for table in ("spans", "resources", "scopes"):
        connection.execute(f"delete from played.{table}")
    for batch in batches_of(records, run_id):
        decoded = decoder.decode(batch.signal, batch.body, 1, json=False)
        tables = {
            "spans": decoded.rows,
            "resources": from_rows(RESOURCES, list(decoded.resources.values())),
            "scopes": from_rows(SCOPES, list(decoded.scopes.values())),
        }
        for table, arrived in tables.items():
            connection.register("arrived", arrived)
            connection.execute(f"insert into played.{table} select * from arrived")
            connection.unregister("arrived")


def _turn(record: TurnRecord) -> list[Row]:
    call, start_ns = record.call, record.speech_end_mono_ns
    end_ns = record.first_audio_mono_ns
    if end_ns is None:
        end_ns = start_ns + round(record.deadline_s * NS_PER_S)
    common: Row = {
        "call_id": call.call_id,
        "trace_id": bytes.fromhex(call.trace_id),
        "phase": record.load.phase,
        "stage_index": record.load.stage_index,
        "turn_index": record.turn_index,
    }
    turn = {
        **common,
        "role": "turn",
        "start_ns": UNIX_NS + start_ns,
        "end_ns": UNIX_NS + end_ns,
        "outcome": record.outcome,
        "first": record.turn_index == 0,
        "latency_s": record.response_latency_s,
        "error_type": "no_response" if record.outcome == "no_response" else None,
        "attributes": f'{{"voiceload.turn.deadline":{record.deadline_s}}}',
    }
    rows = [turn]
    for part in record.components:
        first_ns = part.end_mono_ns if part.first_mono_ns is None else part.first_mono_ns
        busy_ns = part.end_mono_ns - part.start_mono_ns - round(part.queue_s * NS_PER_S)
        rows.append(
            {
                **common,
                "role": "component",
                "service_name": "ovl-caller",
                "component": part.component,
                "attempt": part.attempt,
                "start_ns": UNIX_NS + part.start_mono_ns,
                "end_ns": UNIX_NS + first_ns,
                "latency_s": (first_ns - part.start_mono_ns) / NS_PER_S,
                "busy_s": max(0, busy_ns) / NS_PER_S,
                "queue_s": part.queue_s,
                "source": part.source,
                "error_type": part.error_type,
            }
        )
    return rows


def _call(record: CallRecord) -> Row:
    return {
        "role": "call",
        "call_id": record.call.call_id,
        "trace_id": bytes.fromhex(record.call.trace_id),
        "phase": record.load.phase,
        "stage_index": record.load.stage_index,
        "start_ns": UNIX_NS + record.start_mono_ns,
        "end_ns": UNIX_NS + record.end_mono_ns,
        "outcome": record.outcome,
        "error_type": None,
        "attributes": f'{{"voiceload.call.turn_count":{record.turn_count}}}',
    }
