"""Twilio Media Streams' JSON messages, both directions: bytes here, events of ``model`` there.

Field names and the texts that hold numbers are Twilio's ("WebSocket messages" of its Media Streams
reference). Fifty messages a second go each way in every call, so a media message is written from a
template and not by an encoder; base64 of 160 bytes costs less than looking it up would.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import orjson

from otel_voiceload.audio.encoding import FRAME_MS, MULAW_8K
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

MEDIA_TYPE: Final = "audio/x-mulaw"
ACCOUNT_SID: Final = "AC" + 32 * "0"
TRACEPARENT: Final = "traceparent"  # the custom parameter that carries the caller's span

_CONNECTED: Final = b'{"event":"connected","protocol":"Call","version":"1.0.0"}'
_HEX_32: Final = re.compile(r"[0-9a-f]{32}")
_CALL_SID: Final = re.compile(r"CA([0-9a-f]{32})")
_KEYS: Final = frozenset("0123456789*#ABCD")

_JsonObject = dict[str, object]


class _FieldError(Exception):
    """A known message has a field that is missing or of the wrong kind."""


def sid(prefix: str, call_id: str) -> str:
    """34 characters as Twilio's: the trace id that begins a call id, or else a hash of it."""
    begins = _HEX_32.match(call_id)
    digits = begins[0] if begins else blake2b(call_id.encode(), digest_size=16).hexdigest()
    return prefix + digits


class CallerStream:
    """What Twilio sends of one call, with its running numbers."""

    __slots__ = ("_chunk", "_media", "_sequence", "call_sid", "sid")

    def __init__(self, call_id: str) -> None:
        self.call_sid = sid("CA", call_id)
        self.sid = sid("MZ", call_id)
        self._sequence = 0
        self._chunk = 0
        self._media = (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d",'
            b'"timestamp":"%d","payload":"%b"},"streamSid":"' + self.sid.encode() + b'"}'
        )

    def opening(self, traceparent: str | None, params: Mapping[str, str]) -> tuple[bytes, bytes]:
        """The first two messages. The user's own parameters win, as his headers do."""
        custom = {**({} if traceparent is None else {TRACEPARENT: traceparent}), **params}
        start = {
            "streamSid": self.sid,
            "accountSid": ACCOUNT_SID,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "customParameters": custom,
            "mediaFormat": {
                "encoding": MEDIA_TYPE,
                "sampleRate": MULAW_8K.sample_rate,
                "channels": 1,
            },
        }
        return _CONNECTED, self._numbered("start", start)

    def media(self, frame: bytes) -> bytes:
        """One frame of 160 bytes; its time counts the frames sent, as the sound does."""
        self._sequence += 1
        self._chunk += 1
        return self._media % (
            self._sequence,
            self._chunk,
            (self._chunk - 1) * FRAME_MS,
            binascii.b2a_base64(frame, newline=False),
        )

    def mark(self, name: str) -> bytes:
        return self._numbered("mark", {"name": name})

    def dtmf(self, digit: str) -> bytes:
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def stop(self) -> bytes:
        return self._numbered("stop", {"accountSid": ACCOUNT_SID, "callSid": self.call_sid})

    def _numbered(self, event: str, body: Mapping[str, object]) -> bytes:
        self._sequence += 1
        return orjson.dumps(
            {
                "event": event,
                "sequenceNumber": str(self._sequence),
                event: body,
                "streamSid": self.sid,
            }
        )


class AgentStream:
    """What an agent sends into one call."""

    __slots__ = ("_media", "clear", "sid")

    def __init__(self, stream_sid: str) -> None:
        self.sid = stream_sid
        # Dumped, since a foreign caller's id may hold a quote, and its percent signs doubled.
        quoted = orjson.dumps(stream_sid).replace(b"%", b"%%")
        self._media = b'{"event":"media","streamSid":%s,"media":{"payload":"%%b"}}' % quoted
        self.clear = orjson.dumps({"event": "clear", "streamSid": stream_sid})

    def media(self, audio: bytes) -> bytes:
        return self._media % binascii.b2a_base64(audio, newline=False)

    def mark(self, name: str) -> bytes:
        return orjson.dumps({"event": "mark", "streamSid": self.sid, "mark": {"name": name}})


def from_agent(data: bytes, stream_sid: str, arrival_mono_ns: int) -> WireEvent | None:
    """What the telephone network takes from an agent; None for an event that it does not know.

    Another call's stream SID is an error: an agent that mixes up its calls plays to strangers.
    """
    try:
        message = _object(data)
        event = message.get("event")
        if event not in ("media", "mark", "clear"):
            return None
        if message.get("streamSid") != stream_sid:
            raise _FieldError(f"{event}.streamSid is not that of this call")
        if event == "media":
            return AudioHeard(_payload(message), arrival_mono_ns)
        if event == "mark":
            return _mark(message, arrival_mono_ns)
        return ClearHeard(arrival_mono_ns)
    except _FieldError as bad:
        return ErrorHeard("protocol", str(bad), arrival_mono_ns)


def from_caller(data: bytes, arrival_mono_ns: int) -> WireEvent | None:
    """What an agent hears; None for an event that it does not know, such as ``connected``."""
    try:
        message = _object(data)
        match message.get("event"):
            case "media":
                return AudioHeard(_payload(message), arrival_mono_ns)
            case "start":
                return _started(message, arrival_mono_ns)
            case "mark":
                return _mark(message, arrival_mono_ns)
            case "dtmf":
                digit = _text(_part(message, "dtmf"), "dtmf", "digit")
                if digit not in _KEYS:
                    raise _FieldError(f"dtmf.digit {digit[:8]!r} is no key of a telephone")
                return DtmfHeard(digit, arrival_mono_ns)
            case "stop":
                return CallStopped(arrival_mono_ns)
            case _:
                return None
    except _FieldError as bad:
        return ErrorHeard("protocol", str(bad), arrival_mono_ns)


def stream_sid_of(data: bytes) -> str:
    """The stream that a ``start`` message, which was found to be right, opens."""
    return str(orjson.loads(data)["start"]["streamSid"])


def _started(message: _JsonObject, arrival_mono_ns: int) -> CallStarted:
    start = _part(message, "start")
    _text(start, "start", "streamSid")
    call_sid = _text(start, "start", "callSid")
    params = start.get("customParameters") or {}
    if not isinstance(params, dict) or not all(isinstance(v, str) for v in params.values()):
        raise _FieldError("start.customParameters must be an object of texts")
    media = start.get("mediaFormat")
    if not isinstance(media, dict) or media.get("encoding") != MEDIA_TYPE:
        raise _FieldError(f"start.mediaFormat.encoding must be {MEDIA_TYPE}")
    rate = media.get("sampleRate")
    if not isinstance(rate, int) or isinstance(rate, bool):
        raise _FieldError("start.mediaFormat.sampleRate must be a whole number")
    ours = _CALL_SID.fullmatch(call_sid)
    return CallStarted(
        call_id=ours[1] if ours else call_sid,
        traceparent=params.get(TRACEPARENT),
        sample_rate=rate,
        params={name: value for name, value in params.items() if name != TRACEPARENT},
        arrival_mono_ns=arrival_mono_ns,
    )


def _payload(message: _JsonObject) -> bytes:
    payload = _part(message, "media").get("payload")
    if not isinstance(payload, str):
        raise _FieldError("media.payload must be a text")
    try:
        return binascii.a2b_base64(payload, strict_mode=True)
    except ValueError as failure:  # binascii.Error, and text that is not ASCII
        raise _FieldError(f"media.payload is not base64: {failure}") from None


def _mark(message: _JsonObject, arrival_mono_ns: int) -> MarkHeard:
    return MarkHeard(_text(_part(message, "mark"), "mark", "name"), arrival_mono_ns)


def _object(data: bytes) -> _JsonObject:
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError as failure:
        raise _FieldError(f"a text message is not JSON: {failure}") from None
    if not isinstance(message, dict):
        raise _FieldError("a text message is not a JSON object")
    return message


def _part(message: _JsonObject, name: str) -> _JsonObject:
    part = message.get(name)
    if not isinstance(part, dict):
        raise _FieldError(f"{name} must be an object")
    return part


def _text(part: _JsonObject, place: str, name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str):
        raise _FieldError(f"{place}.{name} must be a text")
    return value
