"""Other people's spans in our columns: recorded traces, and the ways in which they join a call."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.otlp import attributes
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_segment
from tests.store.records import at, identity

RECORDED = Path(__file__).with_name("recorded")
BOT = {"service.name": "bot"}
CALL = identity()
OTHER_TRACE = "ee" * 16
TURN = "aa" * 8


# --- a recording ---------------------------------------------------------------------------------


def recorded(name: str) -> list[Batch]:
    found = []
    for line in (RECORDED / name).read_text("utf-8").splitlines():
        body = json.loads(line)
        request = ParseDict(_bytes_in_base64(body), ExportTraceServiceRequest())
        count = sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)
        found.append(Batch("traces", request.SerializeToString(), count))
    return found


def _bytes_in_base64(value: Any) -> Any:  # as protobuf's own JSON has them; OTLP's has hex digits
    if isinstance(value, list):
        return [_bytes_in_base64(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(each)).decode()
        if key in ("traceId", "spanId", "parentSpanId")
        else _bytes_in_base64(each)
        for key, each in value.items()
    }


@pytest.fixture(scope="module")
def pipecat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    path = tmp_path_factory.mktemp("recorded") / "pipecat.duckdb"
    with open_store(
        write_segment(path, recorded("pipecat-1.14.0-twilio-ws.otlp.jsonl"))
    ) as reading:
        yield reading


def test_every_turn_of_a_recorded_pipecat_bot_has_every_component_once(pipecat: Reading) -> None:
    rows = pipecat.sql(
        "select component, count(*) as n, count(distinct trace_id) as calls, max(attempt) as last"
        " from mapping_pipecat group by component order by component"
    ).rows
    assert rows == tuple(
        (component, 6, 2, 0)
        for component in ("endpointing", "llm", "stt", "text_aggregation", "tts")
    )


def test_latencies_of_a_recorded_pipecat_bot_are_those_of_its_services(pipecat: Reading) -> None:
    rows = pipecat.sql("select component, latency_s from mapping_pipecat").rows
    found = {
        component: median(float(str(took)) for name, took in rows if name == component)
        for component in ("stt", "llm", "tts", "text_aggregation")
    }
    # Beside the services' own: 0.2 s of voice detection, and what the client libraries add.
    assert found["stt"] == pytest.approx(0.20 + 0.12, abs=0.03)
    assert found["llm"] == pytest.approx(0.25, abs=0.03)
    assert found["tts"] == pytest.approx(0.15, abs=0.06)
    assert found["text_aggregation"] == pytest.approx(10 * 0.02, abs=0.05)


def test_the_work_of_a_recorded_turn_stands_in_order_and_without_overlap(pipecat: Reading) -> None:
    rows = pipecat.sql(
        "select trace_id, component, start_ns, start_ns + latency_s * 1e9 as first_ns"
        " from mapping_pipecat order by trace_id, start_ns"
    ).rows
    order = ["stt", "endpointing", "llm", "text_aggregation", "tts"]
    assert [row[1] for row in rows] == order * 6
    for before, after in itertools.pairwise(rows):
        if before[0] == after[0]:
            assert float(str(before[3])) <= float(str(after[2])) + 1e6


# --- Pipecat, made up ----------------------------------------------------------------------------


def span(name: str, start_s: float, end_s: float, trace: str = "", **values: object) -> Span:
    return Span(
        trace_id=bytes.fromhex(trace or CALL.trace_id),
        span_id=abs(hash((name, start_s))).to_bytes(8, "big"),
        parent_span_id=bytes.fromhex(TURN),
        name=name,
        start_time_unix_nano=UNIX_NS + at(start_s),
        end_time_unix_nano=UNIX_NS + at(end_s),
        attributes=attributes({"metrics.ttfb": 0.1} | values),  # type: ignore[arg-type]  # scalars
    )


def observed(tmp_path: Path, *spans: Span, more: Sequence[Batch] = ()) -> list[tuple[object, ...]]:
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch(spans, BOT, "pipecat"),
        *more,
    ]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        sql = (
            "select turn_index, component, attempt, round(latency_s, 3), joined_by"
            " from component_observations where source = 'target_trace'"
            " order by start_ns, component"
        )
        return list(reading.sql(sql).rows)


def test_a_pause_between_two_spans_is_the_turn_detectors_or_the_sentence_splitters(
    tmp_path: Path,
) -> None:
    rows = observed(tmp_path, span("stt", 1, 3.2), span("llm", 3.3, 3.9), span("tts", 3.6, 4.2))
    assert rows == [
        (0, "stt", 0, 0.1, "trace"),
        (0, "endpointing", 0, 0.1, "trace"),
        (0, "llm", 0, 0.1, "trace"),
        (0, "text_aggregation", 0, 0.2, "trace"),
        (0, "tts", 0, 0.1, "trace"),
    ]


def test_tools_ask_the_model_again_and_later_sentences_are_nobodys_wait(tmp_path: Path) -> None:
    rows = observed(
        tmp_path,
        span("llm", 3.3, 3.6),
        span("llm", 3.7, 4.0),
        span("tts", 3.9, 4.2),
        span("llm", 4.0, 4.4),  # after the first sound
        span("tts", 4.5, 4.7),
    )
    assert [row[1:4] for row in rows] == [
        ("llm", 0, 0.1),
        ("llm", 1, 0.1),
        ("text_aggregation", 0, 0.1),
        ("tts", 0, 0.1),
    ]


def test_the_last_transcript_of_a_turn_is_the_one_that_was_waited_for(tmp_path: Path) -> None:
    rows = observed(tmp_path, span("stt", 1, 2.0), span("stt", 2.1, 3.2), span("llm", 3.3, 3.9))
    assert [row[1:4] for row in rows] == [
        ("stt", 0, 0.1),
        ("endpointing", 0, 0.1),
        ("llm", 0, 0.1),
    ]


@pytest.mark.parametrize("ttfb", [0.0, -1.0, "NOT_GIVEN", None])
def test_without_its_latency_a_span_is_no_observation(tmp_path: Path, ttfb: object) -> None:
    values = {} if ttfb is None else {"metrics.ttfb": ttfb}
    bare = span("llm", 3.3, 3.9, **values)
    if ttfb is None:
        bare.ClearField("attributes")
    assert observed(tmp_path, bare) == []


# --- joining -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["conversation.id", "session.id", "lk.pii.room_name"])
def test_a_trace_of_its_own_joins_by_the_trace_id_in_its_call_id(tmp_path: Path, name: str) -> None:
    conversation = span("conversation", 1, 9, OTHER_TRACE, **{name: f"CA{CALL.trace_id}"})
    rows = observed(
        tmp_path,
        span("llm", 3.3, 3.9, OTHER_TRACE),
        more=[spans_batch([conversation], BOT, "pipecat.turn")],
    )
    assert rows == [(0, "llm", 0, 0.1, "call_id")]


def test_a_trace_that_names_no_call_of_ours_stays_outside(tmp_path: Path) -> None:
    stranger = span("conversation", 1, 9, OTHER_TRACE, **{"conversation.id": "CA" + "f" * 32})
    rows = observed(
        tmp_path,
        span("llm", 3.3, 3.9, OTHER_TRACE),
        more=[spans_batch([stranger], BOT, "pipecat.turn")],
    )
    assert rows == []


def test_how_each_trace_was_joined_is_told(tmp_path: Path) -> None:
    conversation = span("conversation", 1, 9, OTHER_TRACE, **{"conversation.id": CALL.trace_id})
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch([conversation], BOT, "pipecat.turn"),
    ]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        rows = reading.sql(
            "select joined_by, lower(hex(call_trace_id)) = $ours as ours, run_id from trace_runs"
            " where lower(hex(trace_id)) in ($ours, $other) order by joined_by",
            ours=CALL.trace_id,
            other=OTHER_TRACE,
        ).rows
    assert rows == (("call_id", True, records.RUN), ("trace", True, records.RUN))


# --- LiveKit Agents ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    path = tmp_path_factory.mktemp("recorded") / "livekit.duckdb"
    with open_store(
        write_segment(path, recorded("livekit-agents-1.8.9-fake-io.otlp.jsonl"))
    ) as reading:
        yield reading


def test_latencies_of_recorded_livekit_agents_are_those_of_its_services(livekit: Reading) -> None:
    rows = livekit.sql(
        "select component, latency_s from mapping_livekit where role = 'component'"
        " order by component, start_ns"
    ).rows
    found: dict[str, list[float]] = {}
    for component, took in rows:
        found.setdefault(str(component), []).append(float(str(took)))
    truth = {"stt": (0.2, 0.2, 0.4), "llm": (0.25, 0.3, 0.6), "tts": (0.15, 0.2, 0.15)}
    for name, values in truth.items():
        assert found[name] == pytest.approx(values, rel=0.05)
        assert median(found[name]) == pytest.approx(median(values), rel=0.05)
    assert found["endpointing"] == pytest.approx([0.5] * 3, rel=0.05)
    assert max(found["text_aggregation"]) < 0.01


# --- runs without a caller of ours ---------------------------------------------------------------


def file_of_run(tmp_path: Path, name: str) -> Path:
    """A recording as an import leaves it: the run beside traces that name none."""
    said = spans_batch([span("run", 0, 30, "dd" * 16)], IMPORT, "otel_voiceload")
    return write_segment(tmp_path / "run.duckdb", [said, *recorded(name)])


IMPORT = {"service.name": "ovl-import", "voiceload.run.id": "made"}


@pytest.mark.parametrize(
    ("name", "calls", "turns", "waits"),
    [
        ("pipecat-1.14.0-twilio-ws.otlp.jsonl", 2, 6, (1.191, 1.248)),
        ("livekit-agents-1.8.9-fake-io.otlp.jsonl", 1, 3, (0.765, 1.360)),
    ],
)
def test_calls_and_turns_are_the_targets_own_where_nobody_called(
    tmp_path: Path, name: str, calls: int, turns: int, waits: tuple[float, float]
) -> None:
    with open_store(file_of_run(tmp_path, name)) as reading:
        reading.prepare("made")
        found = reading.sql("select count(*), min(connected) from calls").rows[0]
        heard = reading.sql(
            "select count(*), min(response_latency_s), max(response_latency_s),"
            " max(unattributed_s), list(distinct outcome), max(concurrency) from turns"
        ).rows[0]
        components = reading.sql(
            "select count(*), count(distinct (call_id, turn_index)) from component_spans"
        ).rows[0]
        ways = reading.sql("select distinct joined_by from component_observations").rows
    assert found == (calls, True)
    assert heard[0] == turns
    assert (heard[1], heard[2]) == (
        pytest.approx(waits[0], abs=2e-3),
        pytest.approx(waits[1], abs=2e-3),
    )
    assert float(str(heard[3])) < 0.25
    assert heard[4:] == (["answered"], calls)
    assert components == (turns * 5, turns)
    assert ways == (("import",),)


def test_calls_that_share_a_trace_stay_apart(tmp_path: Path) -> None:
    def of(kind: str, own: int, parent: int, start_s: float, **values: object) -> Span:
        made = span(kind, start_s, start_s + 5, "bb" * 16, **values)
        made.span_id = own.to_bytes(8, "big")
        made.parent_span_id = parent.to_bytes(8, "big") if parent else b""
        return made

    frames, services = [], []
    for call in (1, 2):
        frames.append(of("conversation", call, 0, call))
        latency = {"turn.user_bot_latency_seconds": 1.0 * call}
        frames.append(of("turn", 10 + call, call, call, **latency))
        services.append(of("llm", 20 + call, 10 + call, call + 1))
    with open_store(
        write_segment(
            tmp_path / "run.duckdb",
            [
                spans_batch([span("run", 0, 30, "dd" * 16)], IMPORT, "otel_voiceload"),
                spans_batch(frames, BOT, "pipecat.turn"),
                spans_batch(services, BOT, "pipecat"),
            ],
        )
    ) as reading:
        rows = reading.sql(
            "select t.call_id[34:], t.turn_index, t.response_latency_s, c.component"
            " from turns t join component_spans c using (run_id, call_id, turn_index) order by all"
        ).rows
        mixed = reading.query("doctor_conversations", run_id="made")
        known = reading.query("doctor_components", run_id="made")
    assert rows == (("0" * 15 + "1", 0, 1.0, "llm"), ("0" * 15 + "2", 0, 2.0, "llm"))
    assert [row["verdict"] for row in mixed] == ["unknown", "unknown"]
    assert [(row["subject"], row["verdict"]) for row in known] == [
        ("llm", "ok"),
        ("stt", "fail"),
        ("tts", "fail"),
    ]
