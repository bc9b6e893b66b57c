"""OTLP/JSON to OTLP protobuf, by OTLP's own mapping.

protobuf's JSON parser can not be used: it reads hex ids as base64 without complaint and takes enum
names and snake_case, which OTLP forbids. This walk goes by the message descriptors, so a field that
OTLP adds is read as soon as the opentelemetry-proto package knows it: lowerCamelCase keys only,
unknown keys ignored, ids in hex of either case, other bytes in base64, enums as integers, 64-bit
integers as numbers or strings. Ids of a wrong length pass; the decoder rejects those spans one by
one. The bytes are written by the walk itself: filling protobuf's own messages takes twice as long.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from typing import Any, Final

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ovl_collector.decoded import Limits, Signal
from ovl_collector.errors import TooLarge, Undecodable

_REQUESTS: Final[dict[Signal, Any]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
# A place in the body is a chain of keys, put into words only when something is wrong there.
_Place = str | tuple[Any, str]
_Writer = Callable[[Any, _Place], bytes]
_Plan = dict[str, tuple[bytes, bool, Any, _Writer]]  # tag, repeated, plan of its messages, writer

_MAX_DEPTH: Final = 100  # as many levels of messages as protobuf's own parser takes
_SHOWN_KEYS: Final = 6
_ONE_BYTE: Final = tuple(bytes((value,)) for value in range(0x80))
_MEMO_ENTRIES: Final = 4096
_MEMO_BYTES: Final = 256
_MADE: Final[dict[tuple[str, str, str | None], bytes]] = {}  # of doubles without the number
_ALL_64: Final = (1 << 64) - 1  # negative numbers are varints of ten bytes
_DOUBLE: Final = struct.Struct("<d")
_HEX_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_DOUBLE_NAMES: Final = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}


def to_protobuf(signal: Signal, body: bytes, limits: Limits) -> bytes:
    """The same request as protobuf bytes. Raises Undecodable or TooLarge."""
    # An object costs up to 230 bytes in Python and 2 on the wire, a string 50 and 3.
    if sum(map(body.count, (b"{", b"[", b","))) > limits.json_parts:
        raise TooLarge(
            "the JSON body holds too many parts; send smaller batches",
            reason="too_many_elements",
        )
    try:
        parsed = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"the body is not JSON: {error}", reason="undecodable") from error
    return encoded(signal, parsed)


def encoded(signal: Signal, parsed: Any) -> bytes:
    """Of JSON that was read already; its size is the caller's matter. Raises Undecodable."""
    return _encoded(_PLANS[signal], parsed, signal, 0)


def _encoded(plan: _Plan, value: Any, where: _Place, depth: int) -> bytes:
    """The fields of one message in the order of their numbers, whatever the order of the JSON: any
    order is protobuf, but spans in order are decoded many at once."""
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    if depth > _MAX_DEPTH:
        raise Undecodable(f"{_shown(where)} nests too deep", reason="undecodable")
    parts: list[bytes] = []
    for key in plan if len(value) > 1 else value:
        if (inner := value.get(key)) is None or (step := plan.get(key)) is None:
            continue
        tag, repeated, below, write = step
        place = (where, key)
        if repeated and not isinstance(inner, list):
            raise _wrong(place, "an array", inner)
        for item in inner if repeated else (inner,):
            if below is None:
                parts += (tag, write(item, place))
            elif below is _KEY_VALUE:
                parts += (tag, _key_value(item, place, depth + 1))
            else:
                part = _encoded(below, item, place, depth + 1)
                parts += (tag, _varint(len(part)), part)
    return b"".join(parts)


def _key_value(item: Any, where: _Place, depth: int) -> bytes:
    """An attribute with its length. Most of a body are attributes, and most of them come again, or
    as another number with the same key."""
    known: tuple[str, str, str | None] | None = None
    number = b""
    try:
        [(kind, value)], name = item["value"].items(), item["key"]
        if len(item) == 2 and type(name) is str:
            # Nothing else that repeats: True and 1 and 1.0 are the same key to a dictionary.
            if type(value) is str:
                known = (name, kind, value)
            elif type(value) is float and kind == "doubleValue":
                known, number = (name, kind, None), _DOUBLE.pack(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    if known is not None and (made := _MADE.get(known)) is not None:
        return made + number
    part = _encoded(_KEY_VALUE, item, where, depth)
    made = _varint(len(part)) + part
    if known is not None and len(made) <= _MEMO_BYTES:
        if len(_MADE) >= _MEMO_ENTRIES:
            _MADE.clear()
        _MADE[known] = made[: len(made) - len(number)]
    return made


def _plan_of(message: Descriptor, known: dict[str, _Plan]) -> _Plan:
    """What to do with each key: by lowerCamelCase name only; the descriptor's own table also knows
    the other names. Made once, since asking the descriptors is most of the work of a walk."""
    if (made := known.get(message.full_name)) is not None:
        return made
    plan = known[message.full_name] = {}
    for field in sorted(message.fields, key=lambda each: each.number):
        below = None if field.message_type is None else _plan_of(field.message_type, known)
        wire_type, write = (2, _string) if below is not None else _WRITERS[field.type]
        if field.type == FieldDescriptor.TYPE_BYTES and field.name in _HEX_FIELDS:
            write = _id
        tag = _varint(field.number << 3 | wire_type)
        plan[field.json_name] = (tag, field.is_repeated, below, write)
    return plan


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _ONE_BYTE[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _string(value: Any, where: _Place) -> bytes:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    data = value.encode()
    return _varint(len(data)) + data


def _bool(value: Any, where: _Place) -> bytes:
    if isinstance(value, bool):
        return _ONE_BYTE[value]
    raise _wrong(where, "true or false", value)


def _enum(value: Any, where: _Place) -> bytes:
    if isinstance(value, int) and not isinstance(value, bool):
        return _varint(_in_range(value, where, 31) & _ALL_64)
    raise _wrong(where, "an integer (enum names are not OTLP)", value)


def _int64(value: Any, where: _Place) -> bytes:
    return _varint(_in_range(_integer(value, where), where, 63) & _ALL_64)


def _int32(value: Any, where: _Place) -> bytes:
    return _varint(_in_range(_integer(value, where), where, 31) & _ALL_64)


def _sint32(value: Any, where: _Place) -> bytes:
    number = _in_range(_integer(value, where), where, 31)
    return _varint(number << 1 if number >= 0 else ~(number << 1))


def _uint64(value: Any, where: _Place) -> bytes:
    return _varint(_in_range(_integer(value, where), where, 64, lowest=0))


def _uint32(value: Any, where: _Place) -> bytes:
    return _varint(_in_range(_integer(value, where), where, 32, lowest=0))


def _fixed64(value: Any, where: _Place) -> bytes:
    return _in_range(_integer(value, where), where, 64, lowest=0).to_bytes(8, "little")


def _fixed32(value: Any, where: _Place) -> bytes:
    return _in_range(_integer(value, where), where, 32, lowest=0).to_bytes(4, "little")


def _sfixed64(value: Any, where: _Place) -> bytes:
    number = _in_range(_integer(value, where), where, 63)
    return number.to_bytes(8, "little", signed=True)


def _in_range(number: int, where: _Place, bits: int, lowest: int | None = None) -> int:
    if (-(1 << bits) if lowest is None else lowest) <= number < 1 << bits:
        return number
    raise Undecodable(
        f"{_shown(where)}: {number} is out of the range of its field", reason="undecodable"
    )


def _integer(value: Any, where: _Place) -> int:
    if isinstance(value, bool):
        raise _wrong(where, "an integer", value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= 20:
        try:
            return int(value)
        except ValueError:
            pass
    raise _wrong(where, "an integer", value)


def _double(value: Any, where: _Place) -> bytes:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _DOUBLE.pack(value)
    if isinstance(value, str):
        try:
            return _DOUBLE.pack(_DOUBLE_NAMES[value] if value in _DOUBLE_NAMES else float(value))
        except ValueError:
            pass
    raise _wrong(where, "a number", value)


def _id(value: Any, where: _Place) -> bytes:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    try:
        data = bytes.fromhex(value)
    except ValueError:
        # Not hex: one byte is never a valid id, so the decoder rejects this span alone.
        data = b"\xff"
    return _varint(len(data)) + data


def _bytes(value: Any, where: _Place) -> bytes:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    try:
        padded = value + "=" * (-len(value) % 4)
        data = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(where, "base64", value) from error
    return _varint(len(data)) + data


def _shown(where: _Place) -> str:
    """``traces.resourceSpans.scopeSpans``: keys from the outside in, as far as they help."""
    keys: list[str] = []
    while isinstance(where, tuple):
        where, key = where
        keys.append(key)
    return ".".join([where, *keys[::-1][:_SHOWN_KEYS]])


def _wrong(where: _Place, wanted: str, value: Any) -> Undecodable:
    shown = repr(value)
    if len(shown) > 40:
        shown = shown[:40] + "..."
    return Undecodable(f"{_shown(where)} must be {wanted}, not {shown}", reason="undecodable")


# By type: how it goes over the wire (0 varint, 1 and 5 fixed, 2 with its length), and its writer.
# Repeated numbers go one by one, which every parser takes as it takes packed ones.
_WRITERS: Final[dict[int, tuple[int, _Writer]]] = {
    FieldDescriptor.TYPE_STRING: (2, _string),
    FieldDescriptor.TYPE_BYTES: (2, _bytes),
    FieldDescriptor.TYPE_BOOL: (0, _bool),
    FieldDescriptor.TYPE_ENUM: (0, _enum),
    FieldDescriptor.TYPE_INT32: (0, _int32),
    FieldDescriptor.TYPE_INT64: (0, _int64),
    FieldDescriptor.TYPE_SINT32: (0, _sint32),
    FieldDescriptor.TYPE_UINT32: (0, _uint32),
    FieldDescriptor.TYPE_UINT64: (0, _uint64),
    FieldDescriptor.TYPE_FIXED32: (5, _fixed32),
    FieldDescriptor.TYPE_FIXED64: (1, _fixed64),
    FieldDescriptor.TYPE_SFIXED64: (1, _sfixed64),
    FieldDescriptor.TYPE_DOUBLE: (1, _double),
}
_KNOWN: Final[dict[str, _Plan]] = {}
_PLANS: Final[dict[Signal, _Plan]] = {
    signal: _plan_of(request.DESCRIPTOR, _KNOWN) for signal, request in _REQUESTS.items()
}
_KEY_VALUE: Final = _KNOWN["opentelemetry.proto.common.v1.KeyValue"]
