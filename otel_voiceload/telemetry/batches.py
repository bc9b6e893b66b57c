"""Encoded export requests: what is kept, retried and counted is bytes, never span objects.

A queued span object costs about 3 kB of memory, the same span encoded a tenth of that. And a batch
that is encoded once is byte-identical when it is sent again, which is how the collector recognises
a resend whose first answer was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from otel_voiceload import __version__
from otel_voiceload.conventions import RUN_ID, SCOPE, SERVICE_CALLER, SHARD_COUNT, SHARD_INDEX
from otel_voiceload.telemetry.otlp import attributes

Signal = Literal["traces", "metrics"]

_SCOPE = InstrumentationScope(name=SCOPE, version=__version__)


@dataclass(frozen=True, slots=True)
class Batch:
    """One request of ``items`` spans or metrics, encoded."""

    signal: Signal
    body: bytes
    items: int


def resource(
    run_id: str, shard_index: int | None, shard_count: int, extra: Mapping[str, str]
) -> Resource:
    """The resource of one shard, or of the runner (``shard_index`` None).

    ``extra`` is what the user's ``OTEL_RESOURCE_ATTRIBUTES`` add; they can not replace ours.
    """
    return Resource(
        attributes=attributes(
            {
                **extra,
                "service.name": SERVICE_CALLER,
                "service.version": __version__,
                RUN_ID: run_id,
                SHARD_INDEX: shard_index,
                SHARD_COUNT: shard_count,
            }
        )
    )


class Batcher:
    """Collects spans and metrics by source and encodes them when there are enough or it is time.

    ``resources`` holds one resource per source; a request may carry several of them.
    """

    def __init__(self, resources: Sequence[Resource], max_spans: int, max_wait_s: float) -> None:
        self._resources = resources
        self._max_spans = max_spans
        self._max_wait_s = max_wait_s
        self._spans: dict[int, list[Span]] = {}
        self._metrics: dict[int, list[Metric]] = {}
        self._held_spans = 0
        self._oldest_s: float | None = None

    def add(
        self, source: int, spans: Iterable[Span], metrics: Iterable[Metric], now_s: float
    ) -> None:
        for span in spans:
            self._spans.setdefault(source, []).append(span)
            self._held_spans += 1
        for metric in metrics:
            self._metrics.setdefault(source, []).append(metric)
        if self._oldest_s is None and (self._spans or self._metrics):
            self._oldest_s = now_s

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until what is held should go out, 0 when it should now, None when empty."""
        if self._oldest_s is None:
            return None
        if self._held_spans >= self._max_spans:
            return 0.0
        return max(0.0, self._oldest_s + self._max_wait_s - now_s)

    def take(self) -> list[Batch]:
        """Everything held, encoded; at most one request of each signal unless spans abound."""
        batches = []
        while self._spans:
            batches.append(self._take_spans())
        if self._metrics:
            batches.append(self._take_metrics())
        self._oldest_s = None
        return batches

    def _take_spans(self) -> Batch:
        room, request = self._max_spans, ExportTraceServiceRequest()
        while self._spans and room:
            source, spans = next(iter(self._spans.items()))
            part, rest = spans[:room], spans[room:]
            room -= len(part)
            request.resource_spans.append(
                ResourceSpans(
                    resource=self._resources[source],
                    scope_spans=[ScopeSpans(scope=_SCOPE, spans=part)],
                )
            )
            if rest:
                self._spans[source] = rest
            else:
                del self._spans[source]
        taken = self._max_spans - room
        self._held_spans -= taken
        return Batch("traces", request.SerializeToString(), taken)

    def _take_metrics(self) -> Batch:
        request = ExportMetricsServiceRequest(
            resource_metrics=[
                ResourceMetrics(
                    resource=self._resources[source],
                    scope_metrics=[ScopeMetrics(scope=_SCOPE, metrics=metrics)],
                )
                for source, metrics in self._metrics.items()
            ]
        )
        count = sum(len(metrics) for metrics in self._metrics.values())
        self._metrics.clear()
        return Batch("metrics", request.SerializeToString(), count)
