"""A run as OTLP JSON lines: one export request per line, as the file exporter of collectors writes.

The store's JSON keeps OTLP's types apart (docs/store.md), so what was received comes out again:
integers as strings, bytes as base64, arrays and maps, the empty value. Any tool that reads such
files can have the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from math import isfinite, isnan
from typing import Any, Final

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

Row = Mapping[str, Any]  # Any: a row of a named query holds columns of many types
Json = dict[str, Any]

_LONG: Final = (
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
    FieldDescriptor.TYPE_SINT64,
)
# What its points have in common; two senders may use one name for different things.
_OF_A_METRIC: Final = (
    *("name", "kind", "unit", "description", "metadata"),
    *("temporality", "is_monotonic"),
)
_POINTS: Final[Mapping[str, Any]] = {
    "gauge": metrics_pb2.NumberDataPoint.DESCRIPTOR,
    "sum": metrics_pb2.NumberDataPoint.DESCRIPTOR,
    "histogram": metrics_pb2.HistogramDataPoint.DESCRIPTOR,
    "exponential_histogram": metrics_pb2.ExponentialHistogramDataPoint.DESCRIPTOR,
    "summary": metrics_pb2.SummaryDataPoint.DESCRIPTOR,
}


def trace_lines(rows: Iterable[Row], spans_per_line: int = 1000) -> Iterator[bytes]:
    """Rows of the query ``otlp_spans``, in its order, as request lines."""
    for head, group in _requests(rows, spans_per_line):
        scope_spans = {**_scope(head), "spans": [_span(row) for row in group]}
        yield orjson.dumps({"resourceSpans": [{**_resource(head), "scopeSpans": [scope_spans]}]})


def metric_lines(rows: Iterable[Row], points_per_line: int = 1000) -> Iterator[bytes]:
    """Rows of the query ``otlp_metrics``, in its order, as request lines."""
    for head, group in _requests(rows, points_per_line):
        metrics = [
            _metric(list(points))
            for _, points in groupby(group, key=lambda row: [row[name] for name in _OF_A_METRIC])
        ]
        scope_metrics = {**_scope(head), "metrics": metrics}
        yield orjson.dumps(
            {"resourceMetrics": [{**_resource(head), "scopeMetrics": [scope_metrics]}]}
        )


def _requests(rows: Iterable[Row], most: int) -> Iterator[tuple[Row, list[Row]]]:
    for _, group in groupby(rows, key=lambda row: (row["resource_id"], row["scope_id"])):
        batch: list[Row] = []
        for row in group:
            batch.append(row)
            if len(batch) == most:
                yield batch[0], batch
                batch = []
        if batch:
            yield batch[0], batch


def _resource(row: Row) -> Json:
    resource = {"attributes": key_values(row["resource_attributes"])}
    references = _loaded(row["resource_entity_refs"]) or ()
    return {
        "resource": _with(
            resource,
            droppedAttributesCount=row["resource_dropped"],
            entityRefs=[_message(common_pb2.EntityRef.DESCRIPTOR, each) for each in references],
        ),
        **_with({}, schemaUrl=row["resource_schema_url"]),
    }


def _scope(row: Row) -> Json:
    scope = _with(
        {},
        name=row["scope_name"],
        version=row["scope_version"],
        attributes=key_values(row["scope_attributes"]),
        droppedAttributesCount=row["scope_dropped"],
    )
    return {"scope": scope, **_with({}, schemaUrl=row["scope_schema_url"])}


def _span(row: Row) -> Json:
    span = {
        "traceId": row["trace_id"],
        "spanId": row["span_id"],
        "name": row["name"],
        "kind": row["kind"],
        "startTimeUnixNano": str(row["start_ns"]),
        "endTimeUnixNano": str(row["end_ns"]),
    }
    return _with(
        span,
        parentSpanId=row["parent_span_id"],
        traceState=row["trace_state"],
        flags=row["flags"],
        attributes=key_values(row["attributes"]),
        droppedAttributesCount=row["dropped_attributes"],
        events=[_event(event) for event in _loaded(row["events"]) or ()],
        droppedEventsCount=row["dropped_events"],
        links=[_link(link) for link in _loaded(row["links"]) or ()],
        droppedLinksCount=row["dropped_links"],
        status=_with({}, code=row["status_code"], message=row["status_message"]),
    )


def _event(event: Json) -> Json:
    return _with(
        {"timeUnixNano": str(event["time_unix_nano"]), "name": event["name"]},
        attributes=_pairs(event.get("attributes")),
        droppedAttributesCount=event.get("dropped_attributes_count"),
    )


def _link(link: Json) -> Json:
    return _with(
        {"traceId": link["trace_id"], "spanId": link["span_id"]},
        traceState=link.get("trace_state"),
        attributes=_pairs(link.get("attributes")),
        droppedAttributesCount=link.get("dropped_attributes_count"),
        flags=link.get("flags"),
    )


def _metric(rows: list[Row]) -> Json:
    first = rows[0]
    kind = str(first["kind"])
    data: Json = {"dataPoints": [_data_point(row, kind) for row in rows]}
    if first["temporality"] is not None:
        data["aggregationTemporality"] = first["temporality"]
    if first["is_monotonic"] is not None:
        data["isMonotonic"] = first["is_monotonic"]
    return _with(
        {"name": first["name"], _camel(kind): data},
        unit=first["unit"],
        description=first["description"],
        metadata=key_values(first["metadata"]),
    )


def _data_point(row: Row, kind: str) -> Json:
    rest = _message(_POINTS[kind], _loaded(row["point"]) or {})
    if "asInt" not in rest and row["value"] is not None:
        rest["asDouble"] = _number(row["value"])
    start = row["start_ns"]
    return _with(
        {"timeUnixNano": str(row["time_ns"]), **rest},
        startTimeUnixNano=None if start is None else str(start),
        attributes=key_values(row["attributes"]),
        flags=row["flags"],
    )


def _number(value: Any) -> Any:
    """A double as JSON may write it: OTLP has words for those that are no numbers."""
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _message(descriptor: Descriptor, content: Json) -> Json:
    """Fields by protobuf name, as the store keeps them, in OTLP's JSON form."""
    converted: Json = {}
    for name, value in content.items():
        field = descriptor.fields_by_name[name]
        inner = field.message_type
        if inner is not None and inner.name == "KeyValue":
            converted[_camel(name)] = _pairs(value)
        elif isinstance(value, list):
            converted[_camel(name)] = [_single(field, item) for item in value]
        else:
            converted[_camel(name)] = _single(field, value)
    return converted


def _single(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _message(field.message_type, value)
    if field.type in _LONG:
        return str(value)
    if isinstance(value, dict):  # a number that JSON has no sign for, or bytes
        return next(iter(value.values()))
    return value


def key_values(attributes: str | None) -> list[Json]:
    """The store's attribute JSON as OTLP's list of pairs."""
    return _pairs(_loaded(attributes))


def _pairs(attributes: Any) -> list[Json]:
    return [{"key": key, "value": any_value(each)} for key, each in (attributes or {}).items()]


def any_value(value: Any) -> Json:
    """One value of the store's JSON as an OTLP AnyValue; the empty one is an empty object."""
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case {"$double": sign}:
            return {"doubleValue": sign}
        case {"$bytes": encoded}:
            return {"bytesValue": encoded}
        case {"$strindex": index}:
            return {"stringValueStrindex": index}
        case list():
            return {"arrayValue": {"values": [any_value(each) for each in value]}}
        case _:
            # In the store a key of a nested map that begins with $ has one more of them.
            plain = {key.removeprefix("$"): each for key, each in value.items()}
            return {"kvlistValue": {"values": _pairs(plain)}}


def _loaded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _with(fields: Json, **optional: object) -> Json:
    """``fields`` and those of ``optional`` that say something; OTLP leaves defaults out."""
    return {**fields, **{key: value for key, value in optional.items() if value}}
