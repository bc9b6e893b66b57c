from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2

from otel_voiceload.reports import otlp_lines
from otel_voiceload.store.open import open_store
from otel_voiceload.telemetry.batches import Batch
from ovl_collector.decoded import Limits
from ovl_collector.otlp_json import to_protobuf
from tests.collector.requests import T0, key_values, span_id, trace_id
from tests.store.builder import write_segment

HEAD = {
    "resource_id": 1,
    "resource_attributes": '{"service.name":"ovl-caller"}',
    "resource_dropped": 0,
    "resource_entity_refs": None,
    "resource_schema_url": "",
    "scope_id": 2,
    "scope_name": "otel_voiceload",
    "scope_version": "0.1.0",
    "scope_attributes": "{}",
    "scope_dropped": 0,
    "scope_schema_url": "",
}
SPAN = {
    **HEAD,
    "trace_id": "a" * 32,
    "span_id": "b" * 16,
    "parent_span_id": None,
    "trace_state": None,
    "flags": 257,
    "name": "turn",
    "kind": 1,
    "start_ns": 1_800_000_000_000_000_001,
    "end_ns": 1_800_000_000_500_000_002,
    "attributes": '{"n":12,"x":1.0}',
    "dropped_attributes": 0,
    "events": '[{"time_unix_nano":5,"name":"e","attributes":{"k":true}}]',
    "dropped_events": 0,
    "links": '[{"trace_id":"cc","span_id":"dd","trace_state":"","attributes":{},"flags":0}]',
    "dropped_links": 3,
    "status_code": 2,
    "status_message": "no",
}
POINT = {
    **HEAD,
    "name": "voiceload.calls.active",
    "kind": "gauge",
    "unit": "{call}",
    "description": "",
    "metadata": None,
    "is_monotonic": None,
    "temporality": None,
    "start_ns": None,
    "time_ns": 7,
    "value": 12.0,
    "attributes": None,
    "point": None,
    "flags": 0,
}


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("null", {}),
        ("true", {"boolValue": True}),
        ("12", {"intValue": "12"}),
        ("9223372036854775807", {"intValue": "9223372036854775807"}),
        ("1.0", {"doubleValue": 1.0}),
        ('{"$double":"NaN"}', {"doubleValue": "NaN"}),
        ('"x"', {"stringValue": "x"}),
        ('{"$bytes":"AP8="}', {"bytesValue": "AP8="}),
        ('{"$strindex":3}', {"stringValueStrindex": 3}),
        ("[1,null]", {"arrayValue": {"values": [{"intValue": "1"}, {}]}}),
        (
            '{"a":"b"}',
            {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}]}},
        ),
    ],
)
def test_every_kind_of_value_comes_out_as_it_came_in(stored: str, value: object) -> None:
    assert otlp_lines.any_value(orjson.loads(stored)) == value


def test_a_span_has_all_its_fields_and_exact_times() -> None:
    [line] = otlp_lines.trace_lines([SPAN])
    span = orjson.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]

    assert span == {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "turn",
        "kind": 1,
        "startTimeUnixNano": "1800000000000000001",
        "endTimeUnixNano": "1800000000500000002",
        "flags": 257,
        "attributes": [
            {"key": "n", "value": {"intValue": "12"}},
            {"key": "x", "value": {"doubleValue": 1.0}},
        ],
        "events": [
            {
                "timeUnixNano": "5",
                "name": "e",
                "attributes": [{"key": "k", "value": {"boolValue": True}}],
            }
        ],
        "links": [{"traceId": "cc", "spanId": "dd"}],
        "droppedLinksCount": 3,
        "status": {"code": 2, "message": "no"},
    }


def test_a_line_is_one_request_of_one_resource_and_scope() -> None:
    other = {**SPAN, "resource_id": 9, "resource_attributes": '{"service.name":"ovl-agent"}'}
    lines = list(otlp_lines.trace_lines([SPAN, SPAN, SPAN, other], spans_per_line=2))
    counts = [
        len(orjson.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]) for line in lines
    ]

    assert counts == [2, 1, 1]


def parsed(rows: list[dict[str, Any]]) -> ExportMetricsServiceRequest:
    [line] = otlp_lines.metric_lines(rows)
    request = ExportMetricsServiceRequest()
    json_format.Parse(line, request)
    return request


def test_gauges_and_exact_sums_are_read_by_otlp_itself() -> None:
    total = {
        **POINT,
        "name": "total",
        "kind": "sum",
        "is_monotonic": True,
        "temporality": 2,
        "value": 9007199254740993.0,
        "point": '{"as_int":9007199254740993}',
    }
    metrics = parsed([POINT, total]).resource_metrics[0].scope_metrics[0].metrics

    assert metrics[0].gauge.data_points[0].as_double == 12.0
    assert metrics[1].sum.data_points[0].as_int == 9007199254740993
    assert metrics[1].sum.is_monotonic


def test_what_has_one_name_and_is_not_the_same_stays_apart() -> None:
    total = {**POINT, "kind": "sum", "is_monotonic": True, "temporality": 2}
    others = [{**total, "temporality": 1}, {**total, "is_monotonic": False}]
    metrics = parsed([total, total, *others]).resource_metrics[0].scope_metrics[0].metrics

    assert [len(each.sum.data_points) for each in metrics] == [2, 1, 1]
    assert [each.sum.aggregation_temporality for each in metrics] == [2, 1, 2]
    assert [each.sum.is_monotonic for each in metrics] == [True, True, False]


def test_a_histogram_keeps_its_buckets_and_exemplars() -> None:
    span_id = base64.b64encode(bytes(8)).decode()
    histogram = {
        **POINT,
        "kind": "histogram",
        "temporality": 1,
        "value": None,
        "point": (
            '{"count":3,"sum":1.5,"bucket_counts":[1,2],"explicit_bounds":[0.5],'
            f'"exemplars":[{{"time_unix_nano":4,"span_id":"{span_id}",'
            '"filtered_attributes":{"k":"v"},"as_double":0.25}]}'
        ),
    }
    point = parsed([histogram]).resource_metrics[0].scope_metrics[0].metrics[0]
    data = point.histogram.data_points[0]

    assert (data.count, data.sum, list(data.bucket_counts)) == (3, 1.5, [1, 2])
    assert data.exemplars[0].as_double == 0.25
    assert data.exemplars[0].filtered_attributes[0].key == "k"


VALUES = {
    "none": None,
    "true": True,
    "int": 2**62,
    "double": 0.25,
    "text": "é",
    "bytes": b"\0\xff",
    "list": [1, None, {"$k": b"x"}],
    "map": {"a": {"b": [2.0]}},
}


def whole_request() -> ExportTraceServiceRequest:
    """Every field of every message below the request says something else than nothing."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(schema_url="https://example.org/r")
    group.resource.attributes.extend(key_values({**VALUES, "voiceload.run.id": "run-1"}))
    group.resource.dropped_attributes_count = 1
    group.resource.entity_refs.add(
        schema_url="https://example.org/e", type="host", id_keys=["text"], description_keys=["int"]
    )
    scoped = group.scope_spans.add(schema_url="https://example.org/s")
    scoped.scope.name, scoped.scope.version = "lib", "1.2"
    scoped.scope.attributes.extend(key_values(VALUES))
    scoped.scope.dropped_attributes_count = 2
    span = scoped.spans.add(
        trace_id=trace_id(7),
        span_id=span_id(1),
        parent_span_id=span_id(9),
        trace_state="a=b",
        flags=0x101,
        name="span",
        kind=7,  # type: ignore[arg-type]  # of a newer OTLP
        start_time_unix_nano=T0 + 1,
        end_time_unix_nano=2**64 - 1,
        dropped_attributes_count=3,
        dropped_events_count=4,
        dropped_links_count=5,
    )
    span.attributes.extend(key_values(VALUES))
    span.status.code = 9  # type: ignore[assignment]  # of a newer OTLP
    span.status.message = "odd"
    event = span.events.add(name="e", time_unix_nano=T0 + 5, dropped_attributes_count=6)
    event.attributes.extend(key_values(VALUES))
    link = span.links.add(
        trace_id=trace_id(8), span_id=span_id(3), trace_state="c=d", flags=1,
        dropped_attributes_count=7,
    )  # fmt: skip
    link.attributes.extend(key_values(VALUES))
    return request


def in_key_order(request: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """The store keeps attributes as maps, so their order is no part of what comes out."""
    group = request.resource_spans[0]
    scoped = group.scope_spans[0]
    span = scoped.spans[0]
    for holder in (group.resource, scoped.scope, span, span.events[0], span.links[0]):
        holder.attributes.sort(key=lambda item: item.key)
    return request


def test_a_request_with_every_field_comes_out_as_it_went_in(tmp_path: Path) -> None:
    request = whole_request()
    group = request.resource_spans[0]
    span = group.scope_spans[0].spans[0]
    scope, reference = group.scope_spans[0].scope, group.resource.entity_refs[0]
    filled = [group, group.scope_spans[0], group.resource, reference, scope, span]
    for each in (*filled, span.status, span.events[0], span.links[0]):
        said = {field.name for field, _ in each.ListFields()}
        assert said == {field.name for field in each.DESCRIPTOR.fields}, "OTLP has more fields"

    path = write_segment(tmp_path / "one.duckdb", [Batch("traces", request.SerializeToString(), 1)])
    with open_store(path) as reading:
        [line] = otlp_lines.trace_lines(reading.query("otlp_spans", run_id="run-1"))
    back = ExportTraceServiceRequest.FromString(to_protobuf("traces", line, Limits()))

    assert in_key_order(back) == in_key_order(request)


NUMBER = {"start_time_unix_nano": T0, "time_unix_nano": T0 + 9, "flags": 1}
COUNTED = {**NUMBER, "count": 3, "sum": 1.25, "min": 0.25, "max": 0.75}


def whole_metrics() -> ExportMetricsServiceRequest:
    """Every kind of metric, and every field of every message below the request."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add(schema_url="https://example.org/r")
    group.resource.attributes.extend(key_values({**VALUES, "voiceload.run.id": "run-1"}))
    group.resource.dropped_attributes_count = 1
    group.resource.entity_refs.add(
        schema_url="https://example.org/e", type="host", id_keys=["text"], description_keys=["int"]
    )
    scoped = group.scope_metrics.add(schema_url="https://example.org/s")
    scoped.scope.name, scoped.scope.version = "lib", "1.2"
    scoped.scope.attributes.extend(key_values(VALUES))
    scoped.scope.dropped_attributes_count = 2
    kinds = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
    made = {kind: scoped.metrics.add(name=f"{i} {kind}") for i, kind in enumerate(kinds)}
    made["gauge"].gauge.data_points.add(**NUMBER, as_double=0.5)
    made["sum"].sum.data_points.add(**NUMBER, as_int=2**60 + 1)
    made["sum"].sum.is_monotonic = True
    made["histogram"].histogram.data_points.add(
        **COUNTED, bucket_counts=[1, 2], explicit_bounds=[0.5]
    )
    point = made["exponential_histogram"].exponential_histogram.data_points.add(
        **COUNTED, scale=-2, zero_count=4, zero_threshold=0.125
    )
    for buckets in (point.positive, point.negative):
        buckets.offset = 7
        buckets.bucket_counts.extend([5, 6])
    summary = made["summary"].summary.data_points.add(**NUMBER, count=3, sum=1.25)
    summary.quantile_values.add(quantile=0.5, value=float("inf"))
    for kind, metric in made.items():
        metric.unit, metric.description = "s", "how long"
        metric.metadata.extend(key_values(VALUES))
        data = getattr(metric, kind)
        data.data_points[0].attributes.extend(key_values(VALUES))
        if kind in ("sum", "histogram", "exponential_histogram"):
            data.aggregation_temporality = 2
        if kind != "summary":
            exemplar = data.data_points[0].exemplars.add(
                time_unix_nano=T0 + 3, as_int=7, span_id=span_id(1), trace_id=trace_id(2)
            )
            exemplar.filtered_attributes.extend(key_values(VALUES))
    return request


def messages_below(message: Any) -> Any:
    """The message and every message that it holds, attributes' values left out."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.name != "KeyValue":
            for each in value if field.is_repeated else [value]:
                yield from messages_below(each)


def test_metrics_of_every_kind_with_every_field_come_out_as_they_went_in(tmp_path: Path) -> None:
    request = whole_metrics()
    said: dict[str, set[str]] = {}
    for message in messages_below(request):
        kept = said.setdefault(message.DESCRIPTOR.full_name, set())
        kept |= {field.name for field, _ in message.ListFields()}
        # Of a choice only one can say something in one message.
        kept |= {
            field.name
            for field in message.DESCRIPTOR.fields
            if field.containing_oneof and field.containing_oneof.name == "value"
        }
        wanted = {field.name for field in message.DESCRIPTOR.fields}
        assert message.DESCRIPTOR.name == "Metric" or kept == wanted, message.DESCRIPTOR.full_name
    metric = metrics_pb2.Metric.DESCRIPTOR
    assert said[metric.full_name] == set(metric.fields_by_name), "OTLP has a new kind of metric"

    batch = Batch("metrics", request.SerializeToString(), 1)
    with open_store(write_segment(tmp_path / "one.duckdb", [batch])) as reading:
        [line] = otlp_lines.metric_lines(reading.query("otlp_metrics", run_id="run-1"))
    back = ExportMetricsServiceRequest.FromString(to_protobuf("metrics", line, Limits()))

    for each in (request, back):
        for message in messages_below(each):
            for name in ("attributes", "metadata", "filtered_attributes"):
                if name in message.DESCRIPTOR.fields_by_name:
                    getattr(message, name).sort(key=lambda item: item.key)
    assert back == request
