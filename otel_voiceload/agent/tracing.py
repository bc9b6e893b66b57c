"""The agent's own spans: one per attempt of a component, in the caller's trace.

Times are explicit, taken where the work happened and put on the wall clock by one anchor. Whether a
call is recorded is the caller's decision alone, carried by the sampled flag of its traceparent; a
call without one is recorded, since somebody gave the agent an endpoint to send to.
"""

from __future__ import annotations

import threading

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_voiceload import __version__
from otel_voiceload import conventions as names
from otel_voiceload.capacity.pipeline import STATUS_OK, AttemptOver
from otel_voiceload.model import NS_PER_S, ClockAnchor

_QUEUE = 65_536  # spans: minutes of several hundred calls, should the collector be away
_BATCH = 512
_DELAY_MS = 1000  # a live view should not wait the usual five seconds
_FLUSH_S = 1.2  # at the end; the process has to be gone within two

Value = str | int | float | bool


class Tracing:
    """Makes spans, or none where no endpoint was given."""

    def __init__(self, anchor: ClockAnchor, processor: SpanProcessor | None) -> None:
        self._anchor = anchor
        self._propagator = TraceContextTextMapPropagator()
        self._provider: TracerProvider | None = None
        if processor is not None:
            self._provider = TracerProvider(
                sampler=ParentBased(root=ALWAYS_ON),
                resource=Resource.create({SERVICE_NAME: names.SERVICE_AGENT}),
                shutdown_on_exit=False,  # that one waits half a minute
            )
            self._provider.add_span_processor(processor)

    @classmethod
    def to_endpoint(cls, anchor: ClockAnchor, endpoint: str | None) -> Tracing:
        """``endpoint`` is the base of an OTLP/HTTP receiver, such as http://127.0.0.1:4318."""
        if endpoint is None:
            return cls(anchor, None)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        processor = BatchSpanProcessor(
            exporter,
            max_queue_size=_QUEUE,
            schedule_delay_millis=_DELAY_MS,
            max_export_batch_size=_BATCH,
        )
        return cls(anchor, processor)

    def call(self, call_id: str, traceparent: str | None) -> CallTrace | None:
        """The trace of one call; None where nothing is to be recorded."""
        if self._provider is None:
            return None
        tracer = self._provider.get_tracer(names.SCOPE, __version__)
        carrier = {} if traceparent is None else {"traceparent": traceparent}
        parent = self._propagator.extract(carrier, context=Context())
        return CallTrace(tracer, parent, self._anchor, call_id)

    def close(self) -> None:
        """Send what is left, for as long as there is time."""
        if self._provider is not None:
            last = threading.Thread(target=self._provider.shutdown, daemon=True)
            last.start()
            last.join(_FLUSH_S)


class CallTrace:
    """The spans of one call; all times on the monotonic clock."""

    def __init__(self, tracer: Tracer, parent: Context, anchor: ClockAnchor, call_id: str) -> None:
        self._tracer = tracer
        self._parent = parent
        self._anchor = anchor
        self._call_id = call_id

    def attempt(self, event: AttemptOver) -> None:
        attributes: dict[str, Value] = {
            names.COMPONENT_NAME: event.component,
            names.COMPONENT_ATTEMPT: event.attempt,
            names.COMPONENT_LATENCY: event.latency_ns / NS_PER_S,
            names.COMPONENT_BUSY: event.busy_ns / NS_PER_S,
            names.COMPONENT_QUEUE: event.queue_ns / NS_PER_S,
        }
        if event.retry_wait_ns:
            attributes[names.COMPONENT_RETRY_WAIT] = event.retry_wait_ns / NS_PER_S
        error = None if event.status == STATUS_OK else event.status
        self._span(event.component, event.key.turn, attributes, event.start_ns, event.end_ns, error)

    def endpointing(self, turn: int, attempt: int, start_ns: int, end_ns: int) -> None:
        """From the caller's last voiced sample to the agent taking the speech for finished."""
        attributes: dict[str, Value] = {
            names.COMPONENT_NAME: "endpointing",
            names.COMPONENT_ATTEMPT: attempt,
            names.COMPONENT_LATENCY: (end_ns - start_ns) / NS_PER_S,
        }
        self._span("endpointing", turn, attributes, start_ns, end_ns, None)

    def _span(
        self,
        name: str,
        turn: int,
        attributes: dict[str, Value],
        start_ns: int,
        end_ns: int,
        error: str | None,
    ) -> None:
        attributes[names.SESSION_ID] = attributes[names.CONVERSATION_ID] = self._call_id
        attributes[names.COMPONENT_SOURCE] = names.SOURCE_TARGET_TRACE
        if turn >= 0:  # the greeting belongs to no turn
            attributes[names.TURN_INDEX] = turn
        if error is not None:
            attributes[names.ERROR_TYPE] = error
        span = self._tracer.start_span(
            name,
            context=self._parent,
            kind=SpanKind.INTERNAL,
            attributes=attributes,
            start_time=self._anchor.to_unix_ns(start_ns),
        )
        if error is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(self._anchor.to_unix_ns(end_ns))
