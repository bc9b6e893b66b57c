"""The bodies of OTLP's answers: export responses and google.rpc.Status, as protobuf or JSON."""

from __future__ import annotations

from typing import Final

import orjson
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ovl_collector.admission import RETRY_AFTER_S
from ovl_collector.decoded import Signal
from ovl_collector.errors import RequestRefused, TooLarge, TooSlow, Unavailable, Unexpected
from ovl_collector.receive import Answer

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

# google.rpc.Code
INVALID_ARGUMENT: Final = 3
DEADLINE_EXCEEDED: Final = 4
NOT_FOUND: Final = 5
RESOURCE_EXHAUSTED: Final = 8
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14
UNAUTHENTICATED: Final = 16


def export_response(signal: Signal, answer: Answer, content_type: str = PROTOBUF) -> bytes:
    """Empty (``{}`` in JSON) when all was stored: partial_success must then be unset."""
    counted = "rejectedSpans" if signal == "traces" else "rejectedDataPoints"
    if content_type == JSON:
        if not answer.error_message:
            return b"{}"
        partial = {counted: str(answer.rejected), "errorMessage": answer.error_message}
        return orjson.dumps({"partialSuccess": partial})
    if not answer.error_message:
        return b""
    serialized: bytes
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        traces.partial_success.rejected_spans = answer.rejected
        traces.partial_success.error_message = answer.error_message
        serialized = traces.SerializeToString()
    else:
        metrics = ExportMetricsServiceResponse()
        metrics.partial_success.rejected_data_points = answer.rejected
        metrics.partial_success.error_message = answer.error_message
        serialized = metrics.SerializeToString()
    return serialized


def status_body(code: int, message: str, content_type: str) -> bytes:
    """google.rpc.Status; invalid requests carry a BadRequest, retryable ones a RetryInfo."""
    if content_type == JSON:
        details: list[dict[str, object]] = []
        if code == INVALID_ARGUMENT:
            details.append(
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": "body", "description": message}],
                }
            )
        elif code == UNAVAILABLE:
            details.append(
                {
                    "@type": "type.googleapis.com/google.rpc.RetryInfo",
                    "retryDelay": f"{RETRY_AFTER_S}s",
                }
            )
        return orjson.dumps({"code": code, "message": message, "details": details})
    status = status_pb2.Status(code=code, message=message)
    if code == INVALID_ARGUMENT:
        violation = error_details_pb2.BadRequest.FieldViolation(field="body", description=message)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    elif code == UNAVAILABLE:
        status.details.add().Pack(retry_info())
    serialized: bytes = status.SerializeToString()
    return serialized


def retry_info() -> error_details_pb2.RetryInfo:
    return error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=RETRY_AFTER_S))


def code_of(refused: RequestRefused) -> int:
    if isinstance(refused, Unavailable):
        return UNAVAILABLE
    if isinstance(refused, TooLarge):
        return RESOURCE_EXHAUSTED
    if isinstance(refused, TooSlow):
        return DEADLINE_EXCEEDED
    if isinstance(refused, Unexpected):
        return INTERNAL
    return INVALID_ARGUMENT
