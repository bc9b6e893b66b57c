from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from otel_voiceload.reports import otlp_lines

HEAD = {
    "resource_id": 1,
    "resource_attributes": '{"service.name":"ovl-caller"}',
    "resource_dropped": 0,
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
