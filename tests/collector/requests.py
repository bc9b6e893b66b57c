"""Export requests for the collector's tests, small by default."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

T0 = 1_795_000_000_000_000_000


def value(plain: Any) -> AnyValue:
    """An AnyValue of a Python value; None is the empty one."""
    match plain:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=plain)
        case int():
            return AnyValue(int_value=plain)
        case float():
            return AnyValue(double_value=plain)
        case bytes():
            return AnyValue(bytes_value=plain)
        case str():
            return AnyValue(string_value=plain)
        case list():
            made = AnyValue()
            made.array_value.SetInParent()
            made.array_value.values.extend(value(item) for item in plain)
            return made
        case dict():
            made = AnyValue()
            made.kvlist_value.SetInParent()
            made.kvlist_value.values.extend(key_values(plain))
            return made
    raise TypeError(plain)


def key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(plain)) for key, plain in attributes.items()]


def span_id(number: int) -> bytes:
    return number.to_bytes(8, "big")


def trace_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def traces(
    count: int = 1,
    *,
    first: int = 1,
    attributes: Mapping[str, Any] | None = None,
    resource: Mapping[str, Any] | None = None,
) -> ExportTraceServiceRequest:
    """``count`` spans of one trace with the ids ``first``, ``first + 1`` ..."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(key_values(resource or {"service.name": "test"}))
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    for number in range(first, first + count):
        span = scope.spans.add(
            trace_id=trace_id(7),
            span_id=span_id(number),
            name=f"span {number}",
            kind=1,
            start_time_unix_nano=T0,
            end_time_unix_nano=T0 + 1_000_000,
        )
        span.attributes.extend(key_values(attributes or {}))
    return request


def gauge(name: str = "g", number: float = 1.5) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(key_values({"service.name": "test"}))
    metric = group.scope_metrics.add().metrics.add(name=name, unit="s")
    metric.gauge.data_points.add(time_unix_nano=T0, as_double=number)
    return request


def field(number: int, body: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size = len(body)
    length = b""
    while True:
        size, low = size >> 7, size & 0x7F
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return bytes([number << 3 | 2]) + length + body


def as_json(message: Any) -> bytes:
    """A request in OTLP/JSON: protobuf's JSON with hex ids and integer enums."""
    plain = json_format.MessageToDict(message, use_integers_for_enums=True)
    return json.dumps(_hex_ids(plain)).encode()


def _hex_ids(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_hex_ids(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    return {
        key: base64.b64decode(item).hex()
        if key in ("traceId", "spanId", "parentSpanId")
        else _hex_ids(item)
        for key, item in plain.items()
    }
