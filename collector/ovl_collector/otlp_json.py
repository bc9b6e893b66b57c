"""OTLP/JSON to OTLP protobuf, by OTLP's own mapping.

protobuf's JSON parser can not be used: it reads hex ids as base64 without complaint and takes enum
names and snake_case, which OTLP forbids. This walk goes by the message descriptors, so a field that
OTLP adds is read as soon as the opentelemetry-proto package knows it: lowerCamelCase keys only,
unknown keys ignored, ids in hex of either case, other bytes in base64, enums as integers, 64-bit
integers as numbers or strings. Ids of a wrong length pass; the decoder rejects those spans one by
one.
"""

from __future__ import annotations

import base64
import binascii
from functools import cache
from typing import Any, Final

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ovl_collector.decoded import Limits, Signal
from ovl_collector.errors import TooLarge, Undecodable

_REQUESTS: Final = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}
_MAX_DEPTH: Final = 100  # as many levels of messages as protobuf's own parser takes
_HEX_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_INTEGERS: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED32,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED32,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
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
    request = _REQUESTS[signal]()
    _fill(request, parsed, signal, 0)
    serialized: bytes = request.SerializeToString()
    return serialized


def _fill(message: Any, value: Any, where: str, depth: int) -> None:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    if depth > _MAX_DEPTH:
        raise Undecodable(f"{where} nests too deep", reason="undecodable")
    fields = _fields(message.DESCRIPTOR)
    for key, inner in value.items():
        field = fields.get(key)
        if field is None or inner is None:
            continue
        place = f"{where}.{key}" if depth < 6 else where
        if field.is_repeated:
            if not isinstance(inner, list):
                raise _wrong(place, "an array", inner)
            target = getattr(message, field.name)
            for item in inner:
                if field.message_type is not None:
                    _fill(target.add(), item, place, depth + 1)
                else:
                    target.append(_scalar(field, item, place))
        elif field.message_type is not None:
            target = getattr(message, field.name)
            target.SetInParent()
            _fill(target, inner, place, depth + 1)
        else:
            try:
                setattr(message, field.name, _scalar(field, inner, place))
            except ValueError as error:  # out of the field's range
                raise Undecodable(f"{place}: {error}", reason="undecodable") from error


@cache
def _fields(message: Descriptor) -> dict[str, FieldDescriptor]:
    """By lowerCamelCase name only; the descriptor's own table also knows the other names."""
    return {field.json_name: field for field in message.fields}


def _scalar(field: FieldDescriptor, value: Any, where: str) -> Any:
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        if isinstance(value, str):
            return value
        raise _wrong(where, "a string", value)
    if kind == FieldDescriptor.TYPE_BOOL:
        if isinstance(value, bool):
            return value
        raise _wrong(where, "true or false", value)
    if kind == FieldDescriptor.TYPE_ENUM:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise _wrong(where, "an integer (enum names are not OTLP)", value)
    if kind in _INTEGERS:
        return _integer(value, where)
    if kind == FieldDescriptor.TYPE_DOUBLE:
        return _double(value, where)
    return _bytes(field, value, where)


def _integer(value: Any, where: str) -> int:
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


def _double(value: Any, where: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return _DOUBLE_NAMES[value] if value in _DOUBLE_NAMES else float(value)
        except ValueError:
            pass
    raise _wrong(where, "a number", value)


def _bytes(field: FieldDescriptor, value: Any, where: str) -> bytes:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    if field.name in _HEX_FIELDS:
        try:
            return bytes.fromhex(value)
        except ValueError:
            # Not hex: one byte is never a valid id, so the decoder rejects this span alone.
            return b"\xff"
    try:
        padded = value + "=" * (-len(value) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(where, "base64", value) from error


def _wrong(where: str, wanted: str, value: Any) -> Undecodable:
    shown = repr(value)
    if len(shown) > 40:
        shown = shown[:40] + "..."
    return Undecodable(f"{where} must be {wanted}, not {shown}", reason="undecodable")
