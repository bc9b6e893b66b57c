"""OTLP's AnyValue as JSON text, so that every value comes back as what it was.

JSON has no bytes, no NaN and one kind of number, so these forms tell them apart (docs/store.md
lists them): int ``12``, double ``1.5`` (always with a point or an exponent), ``{"$double":
"NaN"}``, ``{"$bytes": "<base64>"}``, an empty AnyValue ``null``. In a nested map a key that itself
begins with ``$`` gets a second one, else a user's ``{"$bytes": ...}`` would read as bytes. OTLP
says that keys are unique; of a repeated one the last value stays.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from math import isfinite

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def text_json(text: str) -> str:
    return orjson.dumps(text).decode()


def double_json(value: float) -> str:
    if isfinite(value):
        return orjson.dumps(value).decode()  # keeps ".0"; float() reads it back bit by bit
    name = "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return f'{{"$double":"{name}"}}'


def bytes_json(value: bytes) -> str:
    return f'{{"$bytes":"{base64.b64encode(value).decode()}"}}'


def value_json(value: AnyValue) -> str:
    """JSON text of one value. Depth is bounded by protobuf's parser, which made the message."""
    which = value.WhichOneof("value")
    if which == "string_value":
        return text_json(value.string_value)
    if which == "int_value":
        return str(value.int_value)
    if which == "double_value":
        return double_json(value.double_value)
    if which == "bool_value":
        return "true" if value.bool_value else "false"
    if which == "bytes_value":
        return bytes_json(value.bytes_value)
    if which == "array_value":
        return "[" + ",".join(map(value_json, value.array_value.values)) + "]"
    if which == "kvlist_value":
        return _nested_map_json(value.kvlist_value.values)
    if which == "string_value_strindex":
        return f'{{"$strindex":{value.string_value_strindex}}}'
    return "null"


def map_json(attributes: Iterable[KeyValue]) -> str | None:
    """JSON object of a list of attributes; None when there are none."""
    fragments = {item.key: f"{text_json(item.key)}:{value_json(item.value)}" for item in attributes}
    return "{" + ",".join(fragments.values()) + "}" if fragments else None


def _nested_map_json(items: Iterable[KeyValue]) -> str:
    fragments: dict[str, str] = {}
    for item in items:
        key = "$" + item.key if item.key.startswith("$") else item.key
        fragments[key] = f"{text_json(key)}:{value_json(item.value)}"
    return "{" + ",".join(fragments.values()) + "}"
