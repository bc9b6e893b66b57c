"""OTLP metric requests to the columns of ``metric_points``, one row per data point.

Metrics are few beside spans, so OTLP's own message classes do, one metric at a time. What has no
column goes to ``point`` as JSON: by walking the message's own descriptor, so that no field is
forgotten, with ids as hex and doubles in the forms of anyvalue.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from ovl_collector.anyvalue import bytes_json, double_json, map_json, text_json
from ovl_collector.budget import Budget
from ovl_collector.columns import METRIC_POINTS, from_rows
from ovl_collector.decoded import Decoded, Limits, Row
from ovl_collector.errors import TooLarge
from ovl_collector.headers import Headers
from ovl_collector.wire import ScopeGroup

# Fields of a data point that are columns; as_int stays in JSON too, since a double column would
# round what is above 2**53.
_IN_COLUMNS: Final = frozenset(
    {"attributes", "start_time_unix_nano", "time_unix_nano", "flags", "as_double"}
)


_JSON_PLACES: Final = tuple(
    place for place, name in enumerate(METRIC_POINTS.names) if name in ("attributes", "point")
)


def decode_metric_groups(
    groups: Iterator[tuple[ScopeGroup, Any]], batch_id: int, headers: Headers, limits: Limits
) -> Decoded:
    rows: list[Row] = []
    reasons: Counter[str] = Counter()
    resources: dict[int, Row] = {}
    scopes: dict[int, Row] = {}
    received = 0
    budget = Budget(limits)
    for place, group in groups:
        try:
            resource_id, resource = headers.resource(place.resource, place.resource_url)
            scope_id, scope = headers.scope(group.header, group.schema_url)
        except (UnicodeDecodeError, DecodeError):
            # How many points the metrics hold is unknown when they are not read: one each.
            received += place.items
            if place.items:
                reasons["bad_header"] += place.items
            continue
        stored_before = len(rows)
        for raw in group.members:
            if len(raw) > limits.item_bytes:
                received += 1
                reasons["too_large"] += 1
                continue
            try:
                metric = Metric.FromString(raw)
            except DecodeError:
                received += 1
                reasons["bad_metric"] += 1
                continue
            count = _count(metric)
            if len(rows) + count > limits.items:
                raise TooLarge(
                    f"more than {limits.items} data points in one request; send smaller batches",
                    reason="too_many_items",
                )
            received += count
            for point in _points(metric, (resource_id, scope_id, batch_id)):
                budget.elements(1)
                budget.characters(sum(len(point[place]) for place in _JSON_PLACES if point[place]))
                rows.append(point)
        if len(rows) > stored_before:
            resources[resource_id] = resource
            scopes[scope_id] = scope
    return Decoded(
        signal="metrics",
        batch_id=batch_id,
        rows=from_rows(METRIC_POINTS, rows),
        received=received,
        reject_reasons=dict(reasons),
        resources=resources,
        scopes=scopes,
    )


def _count(metric: Metric) -> int:
    kind = metric.WhichOneof("data")
    return 0 if kind is None else len(getattr(metric, kind).data_points)


def _points(metric: Metric, places: tuple[int, int, int]) -> Iterator[Row]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    fields = data.DESCRIPTOR.fields_by_name
    metadata = map_json(metric.metadata)
    temporality = data.aggregation_temporality if "aggregation_temporality" in fields else None
    for point in data.data_points:
        yield (
            metric.name,
            kind,
            metric.unit,
            metric.description,
            point.start_time_unix_nano or None,
            point.time_unix_nano,
            _number(point) if kind in ("gauge", "sum") else None,
            data.is_monotonic if kind == "sum" else None,
            temporality,
            map_json(point.attributes),
            _message_json(point, skip=_IN_COLUMNS),
            metadata,
            point.flags,
            *places,
        )


def _number(point: Any) -> float | None:
    which = point.WhichOneof("value")
    return None if which is None else float(getattr(point, which))


def _message_json(message: Any, skip: frozenset[str] = frozenset()) -> str | None:
    """JSON of every field that is set, by its protobuf name; None when there is none."""
    parts = []
    for field, value in message.ListFields():
        if field.name not in skip:
            parts.append(f'"{field.name}":{_field_json(field, value)}')
    return "{" + ",".join(parts) + "}" if parts else None


def _field_json(field: FieldDescriptor, value: Any) -> str:
    if field.message_type is not None and field.message_type.name == "KeyValue":
        return map_json(value) or "{}"
    if field.is_repeated:
        return "[" + ",".join(_single_json(field, item) for item in value) + "]"
    return _single_json(field, value)


def _single_json(field: FieldDescriptor, value: Any) -> str:
    if field.message_type is not None:
        return _message_json(value) or "{}"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return text_json(value.hex()) if field.name.endswith("_id") else bytes_json(value)
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return double_json(value)
    if field.type == FieldDescriptor.TYPE_STRING:
        return text_json(value)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "true" if value else "false"
    return str(value)
