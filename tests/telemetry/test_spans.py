from __future__ import annotations

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_voiceload.model import CallStartRecord, Record
from otel_voiceload.telemetry.context import run_span_id, run_trace_id
from otel_voiceload.telemetry.spans import span_count, spans_of

from . import records
from .records import CALL, RUN_ID, SCOPE, UNIX_NS, ms

EVERY_CALL_SPAN = {
    "voiceload.phase.name": "ramp",
    "voiceload.stage.index": 2,
    "voiceload.concurrency.target": 24,
    "voiceload.concurrency.local": 12,
    "session.id": CALL.call_id,
    "gen_ai.conversation.id": CALL.call_id,
    "voiceload.call.id": CALL.call_id,
}


def attributes(span: Span) -> dict[str, object]:
    return {
        item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes
    }


def by_name(record: Record) -> dict[str, Span]:
    spans = spans_of(record, SCOPE)
    assert len({span.name for span in spans}) == len(spans)
    return {span.name: span for span in spans}


def length_ms(span: Span) -> float:
    return (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6


def test_an_answered_turn_becomes_its_span_the_network_and_its_components() -> None:
    spans = by_name(records.turn())
    assert set(spans) == {"turn", "network.uplink", "network.downlink", "llm"}
    assert all(span.kind == Span.SPAN_KIND_INTERNAL for span in spans.values())
    turn = spans["turn"]
    assert turn.trace_id.hex() == CALL.trace_id
    assert turn.parent_span_id.hex() == CALL.span_id
    assert turn.start_time_unix_nano == UNIX_NS + ms(1000)
    assert length_ms(turn) == 800
    assert (
        attributes(turn).items()
        >= {
            "voiceload.turn.index": 0,
            "voiceload.turn.response_latency": 0.8,
            "voiceload.turn.deadline": 10.0,
            "voiceload.turn.outcome": "answered",
            "voiceload.turn.first": True,
            "voiceload.turn.send_delay": 0.001,
        }.items()
    )
    assert [event.name for event in turn.events] == [
        "caller.speech.start",
        "caller.speech.end",
        "agent.audio.first_byte",
        "agent.audio.first",
        "agent.audio.last",
        "agent.transcript.first",
    ]
    assert {span.parent_span_id for name, span in spans.items() if name != "turn"} == {turn.span_id}


@pytest.mark.parametrize("record", [records.turn(), records.call()], ids=["turn", "call"])
def test_every_span_of_a_call_says_where_in_the_run_and_in_which_call_it_was(
    record: Record,
) -> None:
    for span in spans_of(record, SCOPE):
        assert attributes(span).items() >= EVERY_CALL_SPAN.items(), span.name
        assert "gen_ai.operation.name" not in attributes(span), span.name


def test_the_network_takes_half_a_round_trip_on_either_side() -> None:
    spans = by_name(records.turn())
    up, down = spans["network.uplink"], spans["network.downlink"]
    assert (length_ms(up), length_ms(down)) == (20, 20)
    assert up.start_time_unix_nano == UNIX_NS + ms(1000)
    assert down.end_time_unix_nano == UNIX_NS + ms(1800)
    assert attributes(up)["voiceload.component.source"] == "caller_estimate"
    attempts = [attributes(span)["voiceload.component.attempt"] for span in (up, down)]
    assert attempts == [0, 1]


def test_a_component_ends_at_its_first_token_and_its_server_time_is_apart() -> None:
    llm = by_name(records.turn())["llm"]
    assert length_ms(llm) == 400
    assert (
        attributes(llm).items()
        >= {
            "voiceload.component.name": "llm",
            "voiceload.component.latency": 0.4,
            "voiceload.component.busy": 0.6,  # 1.2 + 0.1 in the queue ... 1.9
            "voiceload.component.queue": 0.1,
            "voiceload.component.attempt": 0,
            "voiceload.component.source": "in_band",
        }.items()
    )
    assert "voiceload.component.retry_wait" not in attributes(llm)


def test_each_attempt_is_a_span_of_its_own_and_a_failed_one_says_so() -> None:
    refused = records.component(
        first_mono_ns=None, end_mono_ns=ms(1250), error_type="rate_limited", retry_wait_s=0.2
    )
    again = records.component(attempt=1)
    spans = spans_of(records.turn(components=(refused, again)), SCOPE)
    first, second = (span for span in spans if span.name == "llm")
    assert first.span_id != second.span_id
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert attributes(first)["error.type"] == "rate_limited"
    assert attributes(first)["voiceload.component.latency"] == 0.05  # no first token: to its end
    assert attributes(first)["voiceload.component.busy"] == 0.0  # never below nothing
    assert attributes(first)["voiceload.component.retry_wait"] == 0.2
    assert second.status.code == Status.STATUS_CODE_UNSET


def test_a_turn_without_an_answer_has_no_latency_but_its_deadline() -> None:
    silent = by_name(
        records.turn(
            outcome="no_response",
            first_byte_mono_ns=None,
            first_audio_mono_ns=None,
            last_audio_mono_ns=None,
            transcript_mono_ns=None,
        )
    )
    turn = silent["turn"]
    assert "voiceload.turn.response_latency" not in attributes(turn)
    assert attributes(turn)["voiceload.turn.deadline"] == 10.0
    assert attributes(turn)["error.type"] == "no_response"
    assert length_ms(turn) == 10_000
    assert "network.downlink" not in silent
    assert [event.name for event in turn.events] == ["caller.speech.start", "caller.speech.end"]


def test_a_turn_cut_short_ends_at_its_last_sign_of_life() -> None:
    cut = records.turn(outcome="cut_off", first_audio_mono_ns=None, transcript_mono_ns=None)
    assert length_ms(by_name(cut)["turn"]) == 790


def test_an_interrupted_turn_has_no_latency_below_nothing() -> None:
    early = records.turn(outcome="interrupted", first_audio_mono_ns=ms(700))
    spans = by_name(early)
    assert "voiceload.turn.response_latency" not in attributes(spans["turn"])
    assert length_ms(spans["turn"]) == 0
    assert "network.downlink" not in spans


def test_without_a_round_trip_time_nothing_is_said_of_the_network() -> None:
    assert set(by_name(records.turn(rtt_s=None))) == {"turn", "llm"}


def test_a_call_becomes_the_call_its_connection_and_its_media() -> None:
    spans = by_name(records.call())
    assert set(spans) == {"call", "network.connect", "network.media"}
    call = spans["call"]
    assert call.span_id.hex() == CALL.span_id
    assert call.kind == spans["network.connect"].kind == Span.SPAN_KIND_CLIENT
    assert call.links[0].trace_id.hex() == run_trace_id(RUN_ID)
    assert call.links[0].span_id.hex() == run_span_id(RUN_ID)
    assert (
        attributes(call).items()
        >= {
            "voiceload.call.index": 7,
            "voiceload.call.outcome": "completed",
            "voiceload.call.end_reason": "resolution",
            "voiceload.call.turn_count": 4,
            "voiceload.call.scheduled_delay": 0.005,
            "voiceload.call.greeting_latency": 0.3,
            "voiceload.scenario.name": "booking",
            "user_agent.synthetic.type": "test",
        }.items()
    )
    connect = spans["network.connect"]
    assert [event.name for event in connect.events] == ["tcp", "upgrade"]
    assert (
        attributes(connect).items()
        >= {
            "network.transport": "tcp",
            "network.protocol.name": "websocket",
            "server.address": "127.0.0.1",
            "server.port": 8000,
        }.items()
    )
    assert length_ms(spans["network.media"]) == 8988


def test_a_stream_reports_no_packets() -> None:
    assert not any("packets" in key for key in attributes(by_name(records.call())["network.media"]))


@pytest.mark.parametrize(
    ("outcome", "error_type", "expected"),
    [
        ("completed", None, None),
        ("transferred", None, None),
        ("aborted_by_us", None, None),  # we hung up on a ramp down: nobody failed
        ("aborted_by_us", "internal", "internal"),
        ("abandoned", None, "abandoned"),
        ("dropped", "reset", "reset"),
    ],
)
def test_a_call_fails_by_its_own_fault_or_by_its_outcome(
    outcome: str, error_type: str | None, expected: str | None
) -> None:
    call = by_name(records.call(outcome=outcome, error_type=error_type))["call"]
    assert attributes(call).get("error.type") == expected
    assert (call.status.code == Status.STATUS_CODE_ERROR) == (expected is not None)


def test_a_refused_call_has_no_media() -> None:
    refused = by_name(
        records.call(
            outcome="refused",
            error_type="busy",
            end_reason=None,
            connect=records.connect(error_type="busy"),
            detail="HTTP 503",
        )
    )
    assert set(refused) == {"call", "network.connect"}
    assert attributes(refused["network.connect"])["error.type"] == "busy"
    assert refused["call"].status.message == "HTTP 503"


def test_markers_have_no_length_and_ids_of_their_own() -> None:
    for start, whole in (
        (CallStartRecord(CALL, records.LOAD, ms(12)), records.call()),
        (records.stage(), records.stage(end_mono_ns=ms(26_000))),
        (records.run(), records.run(end_mono_ns=ms(45_000))),
    ):
        (marker,) = spans_of(start, SCOPE)
        span = spans_of(whole, SCOPE)[0]
        assert marker.name == f"{span.name}.start"
        assert length_ms(marker) == 0
        assert length_ms(span) > 0
        assert marker.span_id != span.span_id
        assert marker.trace_id == span.trace_id


def test_health_is_no_span() -> None:
    assert spans_of(records.health(), SCOPE) == []


@pytest.mark.parametrize(
    "record",
    [
        records.turn(),
        records.turn(rtt_s=None, components=()),
        records.turn(first_audio_mono_ns=None),
        records.turn(first_audio_mono_ns=ms(700)),
        records.call(),
        records.call(outcome="refused"),
        records.call(connect=records.connect(error_type="local_resources")),
        records.stage(),
        records.run(),
        records.health(),
    ],
)
def test_spans_can_be_counted_without_being_made(record: Record) -> None:
    assert span_count(record) == len(spans_of(record, SCOPE))
