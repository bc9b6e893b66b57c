"""The plain wire's messages: what one end writes the other reads, and strangers' mistakes."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_voiceload.events import (
    CallStarted,
    CallStopped,
    ClearHeard,
    EndHeard,
    ErrorHeard,
    SpeechEndHint,
    TimingHeard,
    TranscriptHeard,
    WireEvent,
)
from otel_voiceload.transports import plain_codec as codec


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (codec.transcript("agent", "hi ü", True), TranscriptHeard("agent", "hi ü", True, 7)),
        (codec.CLEAR, ClearHeard(7)),
        (codec.end("transfer"), EndHeard("transfer", 7)),
        (codec.error("quota", "none left"), ErrorHeard("quota", "none left", 7)),
        (
            codec.timing(1, "tts", 0, 1.0, 1.25, 2.0, 0.5, "ok"),
            TimingHeard(1, "tts", 0, 1.0, 1.25, 2.0, 0.5, "ok", 7),
        ),
        # what thirty lines of somebody's agent may leave out
        (b'{"type":"transcript","text":"hi"}', TranscriptHeard("agent", "hi", True, 7)),
        (b'{"type":"end"}', EndHeard("hang_up", 7)),
        (b'{"type":"error"}', ErrorHeard("agent_error", "", 7)),
        (
            b'{"type":"timing","component":"llm","start":1,"end":2}',
            TimingHeard(0, "llm", 0, 1.0, None, 2.0, 0.0, "ok", 7),
        ),
    ],
)
def test_the_caller_reads_what_an_agent_writes(message: bytes, event: WireEvent) -> None:
    assert codec.from_agent(message, 7) == event


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (
            codec.start("c", "00-a-b-01", 16000, {"k": "v"}),
            CallStarted("c", "00-a-b-01", 16000, {"k": "v"}, 7),
        ),
        (codec.start("c", None, 16000, {}), CallStarted("c", None, 16000, {}, 7)),
        (b'{"type":"start","call_id":"c"}', CallStarted("c", None, 16000, {}, 7)),
        (codec.SPEECH_END, SpeechEndHint(7)),
        (codec.STOP, CallStopped(7)),
    ],
)
def test_the_agent_reads_what_a_caller_writes(message: bytes, event: WireEvent) -> None:
    assert codec.from_caller(message, 7) == event


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"mood","value":3}',
        b'{"type":null}',
        b"{}",
        b'{"type":"timing","component":"guardrail","start":1,"end":2}',
    ],
)
def test_what_is_not_known_is_skipped(message: bytes) -> None:
    assert codec.from_agent(message, 7) is None


@pytest.mark.parametrize(
    ("message", "where"),
    [
        (b"hello", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1,2]", "not a JSON object"),
        (b'{"type":"transcript"}', "transcript.text"),
        (b'{"type":"transcript","text":"a","final":"yes"}', "transcript.final"),
        (b'{"type":"timing","component":"llm","start":"1","end":2}', "timing.start"),
        (b'{"type":"timing","component":"llm","start":1}', "timing.end"),
        (b'{"type":"timing","component":"llm","start":3,"end":2}', "backwards"),
        (b'{"type":"timing","component":"llm","start":3,"first":2,"end":4}', "backwards"),
        (b'{"type":"timing","component":"llm","start":1,"end":1e999}', "not JSON"),
        (b'{"type":"timing","component":"llm","start":1,"end":2,"attempt":-1}', "timing.attempt"),
        (b'{"type":"timing","component":"llm","start":1,"end":2,"turn":true}', "timing.turn"),
        (b'{"type":"timing","start":1,"end":2}', "timing.component"),
    ],
)
def test_a_broken_message_of_the_agent_is_a_protocol_error(message: bytes, where: str) -> None:
    event = codec.from_agent(message, 7)
    assert isinstance(event, ErrorHeard)
    assert event.type == "protocol"
    assert where in event.message


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"start"}',
        b'{"type":"start","call_id":"c","params":{"a":1}}',
        b'{"type":"start","call_id":"c","params":[1]}',
        b'{"type":"start","call_id":"c","traceparent":5}',
        b'{"type":"start","call_id":"c","sample_rate":"16k"}',
        b"{",
    ],
)
def test_a_broken_message_of_the_caller_is_a_protocol_error(message: bytes) -> None:
    event = codec.from_caller(message, 7)
    assert isinstance(event, ErrorHeard)
    assert event.type == "protocol"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "type",
            "text",
            "final",
            "role",
            "component",
            "start",
            "first",
            "end",
            "turn",
            "attempt",
            "queue",
            "status",
            "reason",
            "error_type",
            "message",
            "call_id",
            "params",
            "sample_rate",
        ]
    ),
    JSON | st.sampled_from(["timing", "transcript", "start", "end", "error", "llm", "agent"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FIELDS)
def test_no_object_whatever_raises(message: dict[str, object]) -> None:
    try:
        data = orjson.dumps(message)
    except (TypeError, orjson.JSONEncodeError):
        return  # an integer that JSON libraries do not write
    for read in (codec.from_agent, codec.from_caller):
        event = read(data, 7)
        assert event is None or event.arrival_mono_ns == 7


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(data: bytes) -> None:
    for read in (codec.from_agent, codec.from_caller):
        event = read(data, 7)
        assert event is None or event.arrival_mono_ns == 7
