import json

import pytest
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ovl_collector.answers import JSON, PROTOBUF, code_of, export_response, status_body
from ovl_collector.errors import TooLarge, TooSlow, Unavailable, Undecodable, Unexpected
from ovl_collector.receive import Answer


@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_success_leaves_partial_success_unset(signal):
    assert export_response(signal, Answer()) == b""
    assert export_response(signal, Answer(), JSON) == b"{}"


def test_partial_success_counts_and_says_why():
    answer = Answer(2, "2 of 5 rejected")
    traces = ExportTraceServiceResponse.FromString(export_response("traces", answer))
    assert traces.partial_success.rejected_spans == 2
    assert traces.partial_success.error_message == "2 of 5 rejected"
    metrics = ExportMetricsServiceResponse.FromString(export_response("metrics", answer))
    assert metrics.partial_success.rejected_data_points == 2
    assert json.loads(export_response("traces", answer, JSON)) == {
        "partialSuccess": {"rejectedSpans": "2", "errorMessage": "2 of 5 rejected"}
    }
    assert b"rejectedDataPoints" in export_response("metrics", answer, JSON)


def test_a_bad_request_says_what_is_bad_about_it():
    status = status_pb2.Status.FromString(status_body(3, "cut short", PROTOBUF))
    details = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(details)
    assert (status.code, status.message) == (3, "cut short")
    assert details.field_violations[0].description == "cut short"
    assert json.loads(status_body(3, "cut short", JSON))["details"][0]["@type"].endswith(
        "google.rpc.BadRequest"
    )


def test_an_unavailable_one_says_when_to_come_back():
    status = status_pb2.Status.FromString(status_body(14, "full", PROTOBUF))
    details = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(details)
    assert details.retry_delay.seconds == 1
    assert json.loads(status_body(14, "full", JSON))["details"][0]["retryDelay"] == "1s"


@pytest.mark.parametrize(
    ("refused", "code"),
    [(Undecodable, 3), (TooSlow, 4), (TooLarge, 8), (Unexpected, 13), (Unavailable, 14)],
)
def test_each_refusal_has_its_code(refused, code):
    assert code_of(refused("x", reason="x")) == code
