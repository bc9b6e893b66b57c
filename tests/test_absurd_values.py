"""Values that no clock and no counter can have given: every view, query and verb survives them.

OTLP lets anybody send anything under our names, and one such span must not take a store with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.store.catalogue import PUBLIC_VIEWS, catalogue
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.otlp import attributes
from tests.cli.ovl import ovl
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_store
from tests.store.records import at, identity

Capture = pytest.CaptureFixture[str]
OURS = {"service.name": "ovl-caller", "voiceload.run.id": records.RUN}
ODD = (1e300, -1e300, math.inf, -math.inf, math.nan, -5.0, 1e7)
FAR_NS = 2**63  # behind what a bigint holds; shown as 2116
METRICS = (
    "voiceload.calls.active",
    "voiceload.generator.frames_due",
    "voiceload.generator.limited",
    "voiceload.resource.cpu",
    "voiceload.resource.memory",
    "process.cpu.time",
)
SAID = {
    "target": "ws://odd",
    "seed": "seven",
    "co_located": "perhaps",
    "spans_ended": 1e300,
    "spans_lost": "none at all",
    "shards": 0,
    "shards_lost": '[1, {"shard": 0, "at_s": 1e300}]',
    "thresholds": "{",
    "copy": "[",
    "plan": "none",
    "hearing_bias": math.nan,
    "peak_calls": "many",
    "starts_dropped": "a few",
    "machine_cores": 1e300,
    "machine_memory": -1e300,
}


def made(
    number: int, name: str, start_ns: int, end_ns: int, values: dict[str, object], trace: str = ""
) -> Span:
    return Span(
        trace_id=bytes.fromhex(trace or identity().trace_id),
        span_id=(0xABC000 + number).to_bytes(8, "big"),
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=end_ns,
        attributes=attributes(values),  # type: ignore[arg-type]
    )


def odd_spans() -> list[Span]:
    """Of the run itself, a stage, calls, turns and components."""
    call = {"session.id": identity().call_id}
    begun = UNIX_NS + at(3.0)
    spans = [
        made(1, "run", 0, FAR_NS, {f"voiceload.run.{key}": each for key, each in SAID.items()}),
        made(
            2,
            "stage",
            0,
            FAR_NS,
            {
                "voiceload.stage.index": 1,
                "voiceload.stage.calls_from": math.nan,
                "voiceload.stage.calls_to": 1e300,
                "voiceload.stage.duration": "long",
                "voiceload.stage.at_once": "perhaps",
                "voiceload.stage.repeat_of": 1e300,
            },
        ),
    ]
    for place, value in enumerate(ODD):
        numbers = dict.fromkeys(("latency", "busy", "queue"), value)
        told = {f"voiceload.component.{key}": each for key, each in numbers.items()}
        told |= {
            "voiceload.component.name": "llm",
            "voiceload.component.source": "target_trace",
            "voiceload.component.attempt": place,
        }
        spans.append(made(10 + place, "llm", begun, begun + 10**9, call | told))
        turn = {
            "voiceload.turn.index": 2**31 - 1 - place,
            "voiceload.turn.response_latency": value,
            "voiceload.turn.send_delay": value,
            "voiceload.turn.deadline": "soon",
            "voiceload.turn.audio_gap": value,
            "voiceload.turn.outcome": "no_response",
        }
        spans.append(made(30 + place, "turn", begun + place, begun + 10**9, call | turn))
    for place, (start_ns, end_ns) in enumerate(
        ((0, 1), (FAR_NS, FAR_NS), (0, FAR_NS), (begun, FAR_NS), (0, begun))
    ):
        trace = f"{0xDD00 + place:032x}"
        facts = {
            "session.id": f"{trace}-odd",
            "voiceload.call.outcome": "completed",
            "voiceload.call.scheduled_delay": ODD[place],
            "voiceload.call.turn_count": "many",
            "voiceload.call.greeting_latency": ODD[place],
        }
        spans.append(made(50 + place, "call", start_ns, end_ns, facts, trace))
        spans.append(made(60 + place, "call.start", start_ns, start_ns, facts, trace))
    return spans


def odd_metrics() -> Batch:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(OURS))
    scope = group.scope_metrics.add()
    for name in METRICS:
        metric = scope.metrics.add(name=name)
        for place, value in enumerate(ODD):
            for time_ns in (0, UNIX_NS + at(5.0 + place), FAR_NS):
                point = metric.gauge.data_points.add(time_unix_nano=time_ns, as_double=value)
                point.attributes.extend(attributes({"voiceload.shard.index": "first"}))
    return Batch("metrics", request.SerializeToString(), len(METRICS) * len(ODD) * 3)


@pytest.fixture(scope="module")
def odd_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch(odd_spans(), OURS),
        odd_metrics(),
    ]
    return write_store(tmp_path_factory.mktemp("odd"), [(batches, True)])


@pytest.fixture(scope="module")
def odd(odd_store: Path) -> Iterator[Reading]:
    with open_store(odd_store) as reading:
        yield reading


def test_every_view_and_query_answers(odd: Reading) -> None:
    for view in PUBLIC_VIEWS:
        assert odd.sql(f"from {view}").columns
    for name in catalogue():
        assert odd.table(name, run_id=records.RUN, of_run=records.RUN, component="llm").columns


def test_what_is_no_number_is_not_known(odd: Reading) -> None:
    facts = odd.query("run_facts", run_id=records.RUN)[0]

    unknown = ("seed", "co_located", "hearing_bias_s", "peak_calls", "machine_cores")
    assert [facts[name] for name in unknown] == [None] * 5
    assert facts["starts_dropped"] == 0


def test_impossible_latencies_are_left_out_and_the_doctor_counts_them(odd: Reading) -> None:
    left = odd.sql("select max(latency_s), min(latency_s) from component_turns").rows
    rows = odd.query("doctor_latencies", run_id=records.RUN)
    found = {row["subject"]: row for row in rows}

    assert left[0][0] < 1e8
    assert left[0][1] >= 0
    assert "4 below zero or no number" in str(found["llm from target_trace"]["found"])


def test_calls_with_a_broken_clock_do_not_stretch_the_grid(odd: Reading) -> None:
    ((slots, most),) = odd.sql("select count(*), max(calls) from concurrency").rows
    ((limited,),) = odd.sql("select count(*) from limited_slots").rows

    assert 60 <= slots < 300  # of 15 s, and of calls without any length in 1970 and 2116
    assert most == 1
    assert limited < 3 * 4 * 86_400  # of three silences of decades the last day each


def test_a_report_is_made_of_them(odd_store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, odd_store, "analyze", "-f", "json")

    assert ended.code in (0, 4), ended.err
    assert json.loads(ended.out)["run"]["seed"] is None


def test_an_export_has_them_as_they_came(odd_store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, odd_store, "export")
    lines = [json.loads(line) for line in ended.out.splitlines()]

    assert ended.code == 0, ended.err
    assert any("resourceSpans" in line for line in lines)
    assert '"asDouble":"NaN"' in ended.out
    assert "1e300" in ended.out or "1e+300" in ended.out
