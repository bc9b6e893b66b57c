"""Twilio's messages: what we write is what its reference says, what we read is checked."""

from __future__ import annotations

import base64
import json

import pytest

from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    CallStopped,
    ClearHeard,
    DtmfHeard,
    ErrorHeard,
    MarkHeard,
    WireEvent,
)
from otel_voiceload.transports import twilio_codec
from otel_voiceload.transports.twilio_codec import AgentStream, CallerStream

TRACE = "0af7651916cd43dd8448eb211c80319c"
STREAM = f"MZ{TRACE}"
FRAME = bytes(range(160))


def said(message: bytes) -> dict[str, object]:
    found = json.loads(message)
    assert isinstance(found, dict)
    return found


def test_a_call_opens_as_twilio_opens_it() -> None:
    connected, start = CallerStream(f"{TRACE}-17").opening("00-aa-bb-01", {"tenant": "blue"})
    assert said(connected) == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert said(start) == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "streamSid": STREAM,
            "accountSid": "AC" + "0" * 32,
            "callSid": f"CA{TRACE}",
            "tracks": ["inbound"],
            "customParameters": {"traceparent": "00-aa-bb-01", "tenant": "blue"},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        },
        "streamSid": STREAM,
    }


def test_every_message_carries_the_next_number_and_every_frame_its_time() -> None:
    stream = CallerStream(f"{TRACE}-17")
    stream.opening(None, {})
    first, mark, second, key, stop = (
        said(message)
        for message in (
            stream.media(FRAME),
            stream.mark("m"),
            stream.media(FRAME),
            stream.dtmf("#"),
            stream.stop(),
        )
    )
    payload = base64.b64encode(FRAME).decode()
    assert first == {
        "event": "media",
        "sequenceNumber": "2",
        "media": {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload},
        "streamSid": STREAM,
    }
    assert mark["mark"] == {"name": "m"}
    assert second["media"] == {
        "track": "inbound",
        "chunk": "2",
        "timestamp": "20",
        "payload": payload,
    }
    assert key["dtmf"] == {"track": "inbound_track", "digit": "#"}
    assert stop["stop"] == {"accountSid": "AC" + "0" * 32, "callSid": f"CA{TRACE}"}
    numbers = [message["sequenceNumber"] for message in (first, mark, second, key, stop)]
    assert numbers == ["2", "3", "4", "5", "6"]


@pytest.mark.parametrize("call_id", [f"{TRACE}-3", "call-1", "", "ünï"])
def test_an_sid_has_the_shape_of_twilios(call_id: str) -> None:
    found = twilio_codec.sid("CA", call_id)
    assert len(found) == 34
    int(found[2:], 16)
    assert found == twilio_codec.sid("CA", call_id)


def test_a_call_id_with_a_trace_id_comes_out_as_it() -> None:
    _, start = CallerStream(f"{TRACE}-17").opening("00-aa-bb-01", {"a": "1"})
    assert twilio_codec.from_caller(start, 7) == CallStarted(
        TRACE, "00-aa-bb-01", 8000, {"a": "1"}, 7
    )
    assert twilio_codec.stream_sid_of(start) == STREAM


def test_a_strangers_call_sid_is_kept() -> None:
    start = said(CallerStream("x").opening(None, {})[1])
    assert isinstance(start["start"], dict)
    start["start"]["callSid"] = "their-own"
    event = twilio_codec.from_caller(json.dumps(start).encode(), 7)
    assert isinstance(event, CallStarted)
    assert (event.call_id, event.traceparent) == ("their-own", None)


@pytest.mark.parametrize("stream_sid", [STREAM, 'a"b\\c', "100%d%b"])
def test_what_the_agent_says_is_heard_in_its_own_call_only(stream_sid: str) -> None:
    agent = AgentStream(stream_sid)
    messages = [agent.media(FRAME), agent.mark("m"), agent.clear]
    assert [twilio_codec.from_agent(m, stream_sid, 7) for m in messages] == [
        AudioHeard(FRAME, 7),
        MarkHeard("m", 7),
        ClearHeard(7),
    ]
    for message in messages:
        error = twilio_codec.from_agent(message, "MZ" + "1" * 32, 7)
        assert isinstance(error, ErrorHeard)
        assert "not that of this call" in error.message


def test_what_the_caller_says_is_heard_by_the_agent() -> None:
    stream = CallerStream("x")
    messages = [stream.media(FRAME), stream.mark("m"), stream.dtmf("9"), stream.stop()]
    heard: list[WireEvent | None] = [twilio_codec.from_caller(m, 7) for m in messages]
    assert heard == [AudioHeard(FRAME, 7), MarkHeard("m", 7), DtmfHeard("9", 7), CallStopped(7)]


@pytest.mark.parametrize(
    "message", [b'{"event":"connected"}', b'{"event":"new"}', b"{}", b'{"event":["media"]}']
)
def test_an_unknown_event_is_skipped(message: bytes) -> None:
    assert twilio_codec.from_caller(message, 7) is None
    assert twilio_codec.from_agent(message, STREAM, 7) is None


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"event":"media"}', "media must be an object"),
        (b'{"event":"media","media":{}}', "media.payload must be a text"),
        (b'{"event":"media","media":{"payload":"a b"}}', "not base64"),
        (b'{"event":"media","media":{"payload":"\xc3\xa4"}}', "not base64"),
        (b'{"event":"mark","mark":{"name":1}}', "mark.name must be a text"),
        (b'{"event":"dtmf","dtmf":{"digit":"x"}}', "no key of a telephone"),
        (b'{"event":"start","start":{}}', "start.streamSid must be a text"),
        (b'{"event":"start","start":{"streamSid":"s"}}', "start.callSid must be a text"),
        (
            b'{"event":"start","start":{"streamSid":"s","callSid":"c","customParameters":[1]}}',
            "an object of texts",
        ),
        (b'{"event":"start","start":{"streamSid":"s","callSid":"c"}}', "must be audio/x-mulaw"),
        (
            b'{"event":"start","start":{"streamSid":"s","callSid":"c",'
            b'"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":"8000"}}}',
            "sampleRate must be a whole number",
        ),
    ],
)
def test_a_broken_message_says_where(message: bytes, complaint: str) -> None:
    error = twilio_codec.from_caller(message, 7)
    assert isinstance(error, ErrorHeard)
    assert error.type == "protocol"
    assert complaint in error.message
