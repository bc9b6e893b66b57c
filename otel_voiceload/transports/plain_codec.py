"""The plain wire's JSON messages, both directions: bytes here, events of ``model`` there.

Strangers write the other end, so reading is strict about what it understands and deaf to the rest:
an unknown ``type`` is skipped (a newer peer may send more), while text that is not a JSON object,
or a known type with wrong fields, becomes an ``ErrorHeard`` of type ``protocol`` that says where.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast, get_args

import orjson

from otel_voiceload.conventions import Component
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

STOP = b'{"type":"stop"}'
SPEECH_END = b'{"type":"speech_end"}'
CLEAR = b'{"type":"clear"}'

_COMPONENTS = frozenset(get_args(Component))
_JsonObject = dict[str, object]


class _FieldError(Exception):
    """A known message has a field that is missing or of the wrong kind."""


def start(
    call_id: str, traceparent: str | None, sample_rate: int, params: Mapping[str, str]
) -> bytes:
    return orjson.dumps(
        {
            "type": "start",
            "call_id": call_id,
            "traceparent": traceparent,
            "sample_rate": sample_rate,
            "params": dict(params),
        }
    )


def transcript(role: str, text: str, final: bool) -> bytes:
    return orjson.dumps({"type": "transcript", "role": role, "text": text, "final": final})


def timing(
    turn: int,
    component: Component,
    attempt: int,
    start_s: float,
    first_s: float | None,
    end_s: float,
    queue_s: float,
    status: str,
) -> bytes:
    return orjson.dumps(
        {
            "type": "timing",
            "turn": turn,
            "component": component,
            "attempt": attempt,
            "start": start_s,
            "first": first_s,
            "end": end_s,
            "queue": queue_s,
            "status": status,
        }
    )


def end(reason: str) -> bytes:
    return orjson.dumps({"type": "end", "reason": reason})


def error(type_: str, message: str) -> bytes:
    return orjson.dumps({"type": "error", "error_type": type_, "message": message})


def from_agent(data: bytes, arrival_mono_ns: int) -> WireEvent | None:
    """What the caller hears in a text message; None for a type that it does not know."""
    try:
        message = _object(data)
        match message.get("type"):
            case "transcript":
                return TranscriptHeard(
                    _text(message, "role", "agent"),
                    _text(message, "text"),
                    _flag(message, "final", True),
                    arrival_mono_ns,
                )
            case "timing":
                return _timing(message, arrival_mono_ns)
            case "clear":
                return ClearHeard(arrival_mono_ns)
            case "end":
                return EndHeard(_text(message, "reason", "hang_up"), arrival_mono_ns)
            case "error":
                return ErrorHeard(
                    _text(message, "error_type", "agent_error"),
                    _text(message, "message", ""),
                    arrival_mono_ns,
                )
            case _:
                return None
    except _FieldError as bad:
        return ErrorHeard("protocol", str(bad), arrival_mono_ns)


def from_caller(data: bytes, arrival_mono_ns: int) -> WireEvent | None:
    """What the agent hears in a text message; None for a type that it does not know."""
    try:
        message = _object(data)
        match message.get("type"):
            case "start":
                return _started(message, arrival_mono_ns)
            case "speech_end":
                return SpeechEndHint(arrival_mono_ns)
            case "stop":
                return CallStopped(arrival_mono_ns)
            case _:
                return None
    except _FieldError as bad:
        return ErrorHeard("protocol", str(bad), arrival_mono_ns)


def _timing(message: _JsonObject, arrival_mono_ns: int) -> TimingHeard | None:
    component = _text(message, "component")
    if component not in _COMPONENTS:
        return None
    start_s = _seconds(message, "start")
    end_s = _seconds(message, "end")
    first_s = None if message.get("first") is None else _seconds(message, "first")
    if end_s < start_s or (first_s is not None and not start_s <= first_s):
        raise _FieldError("timing runs backwards: start, first and end must not decrease")
    return TimingHeard(
        turn=_count(message, "turn"),
        component=cast("Component", component),
        attempt=_count(message, "attempt"),
        start_s=start_s,
        first_s=first_s,
        end_s=end_s,
        queue_s=max(0.0, _seconds(message, "queue", 0.0)),
        status=_text(message, "status", "ok"),
        arrival_mono_ns=arrival_mono_ns,
    )


def _started(message: _JsonObject, arrival_mono_ns: int) -> CallStarted:
    params = message.get("params") or {}
    if not isinstance(params, dict) or not all(isinstance(v, str) for v in params.values()):
        raise _FieldError("start.params must be an object of texts")
    traceparent = message.get("traceparent")
    if traceparent is not None and not isinstance(traceparent, str):
        raise _FieldError("start.traceparent must be a text")
    rate = message.get("sample_rate", 16_000)
    if not isinstance(rate, int) or isinstance(rate, bool):
        raise _FieldError("start.sample_rate must be a whole number")
    return CallStarted(_text(message, "call_id"), traceparent, rate, params, arrival_mono_ns)


def _object(data: bytes) -> _JsonObject:
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError as failure:
        raise _FieldError(f"a text message is not JSON: {failure}") from None
    if not isinstance(message, dict):
        raise _FieldError("a text message is not a JSON object")
    return message


def _text(message: _JsonObject, name: str, default: str | None = None) -> str:
    value = message.get(name, default)
    if not isinstance(value, str):
        raise _FieldError(f"{message['type']}.{name} must be a text")
    return value


def _flag(message: _JsonObject, name: str, default: bool) -> bool:
    value = message.get(name, default)
    if not isinstance(value, bool):
        raise _FieldError(f"{message['type']}.{name} must be true or false")
    return value


def _count(message: _JsonObject, name: str) -> int:
    value = message.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _FieldError(f"{message['type']}.{name} must be a whole number from 0 up")
    return value


def _seconds(message: _JsonObject, name: str, default: float | None = None) -> float:
    value = message.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise _FieldError(f"{message['type']}.{name} must be a number of seconds")
    return float(value)
