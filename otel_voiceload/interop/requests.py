"""Export requests out of files: what one holds, how small ones are joined and large ones cut.

A collector takes bodies up to a size, and a commit costs the same for one span as for a thousand.
So what a file calls a request, which may be one span or a whole month, is brought to a size between
the two. Requests are joined as bytes: protobuf messages one behind the other are one message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from otel_voiceload.telemetry.batches import Batch, Signal

JOIN_BYTES: Final = 4 << 20
JOIN_ITEMS: Final = 4000
CUT_BYTES: Final = 4 << 20
_CUT_SPANS: Final = 500


@dataclass(frozen=True, slots=True)
class Part:
    """Protobuf bytes of one request as it stood in the file; unix times are of its spans, in ns."""

    signal: Signal
    body: bytes
    items: int
    first_unix_ns: int | None = None
    last_unix_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A piece of the file that can not be read: where it is and why. The rest is read all the same.

    ``kind`` tells what is wrong (``unreadable``) from what is no matter of ours (``logs``).
    """

    where: str
    why: str
    kind: str = "unreadable"


def part_of(signal: Signal, body: bytes, where: str) -> Part | Broken:
    """The request with its count and times; Broken when it is not protobuf of that signal."""
    try:
        if signal == "metrics":
            metrics = ExportMetricsServiceRequest.FromString(body)
            count = sum(len(s.metrics) for r in metrics.resource_metrics for s in r.scope_metrics)
            return Part(signal, body, count)
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:  # whose words tell the type and no place
        return Broken(where, f"it is not an OTLP {signal} request: its bytes do not decode")
    spans = [span for r in request.resource_spans for s in r.scope_spans for span in s.spans]
    # A time of zero is one that nobody set.
    return Part(
        signal,
        body,
        len(spans),
        min((s.start_time_unix_nano for s in spans if s.start_time_unix_nano), default=None),
        max((s.end_time_unix_nano for s in spans if s.end_time_unix_nano), default=None),
    )


def batches(parts: Iterable[Part]) -> Iterator[Batch]:
    """The parts as requests of a size that a collector takes, in their order."""
    held: list[Part] = []
    size = items = 0
    for part in parts:
        for piece in _cut(part):
            size += len(piece.body)
            items += piece.items
            over = size > JOIN_BYTES or items > JOIN_ITEMS
            if held and (over or held[0].signal != piece.signal):
                yield _joined(held)
                held, size, items = [], len(piece.body), piece.items
            held.append(piece)
    if held:
        yield _joined(held)


def _joined(held: list[Part]) -> Batch:
    body = held[0].body if len(held) == 1 else b"".join(part.body for part in held)
    return Batch(held[0].signal, body, sum(part.items for part in held))


def _cut(part: Part) -> Iterator[Part]:
    """Spans by the hundred, each with its own resource and scope. Metrics go as they are."""
    if part.signal == "metrics" or (len(part.body) <= CUT_BYTES and part.items <= JOIN_ITEMS):
        yield part
        return
    for resource in ExportTraceServiceRequest.FromString(part.body).resource_spans:
        for scope in resource.scope_spans:
            for first in range(0, len(scope.spans), _CUT_SPANS):
                spans = scope.spans[first : first + _CUT_SPANS]
                one = ScopeSpans(scope=scope.scope, schema_url=scope.schema_url, spans=spans)
                head = ResourceSpans(
                    resource=resource.resource, schema_url=resource.schema_url, scope_spans=[one]
                )
                body = ExportTraceServiceRequest(resource_spans=[head]).SerializeToString()
                yield Part("traces", body, len(spans))
