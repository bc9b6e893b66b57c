"""One OTLP span and its attributes, built from explicit ids and monotonic times.

The SDK's tracer is not used: its ids are random, its clock is the wall's, and its processor loses
spans without a count. The protobuf messages are the stable contract, so they are made directly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_voiceload.conventions import ERROR_TYPE
from otel_voiceload.model import ClockAnchor
from otel_voiceload.telemetry.context import run_span_id, run_trace_id

Scalar = str | bool | int | float
Attributes = Mapping[str, Scalar | None]


@dataclass(frozen=True, slots=True)
class RunScope:
    """What every span of a run needs to know: whose it is and how its clock reads."""

    run_id: str
    anchor: ClockAnchor


def attributes(values: Attributes) -> list[KeyValue]:
    """OTLP attributes; a None is left out, a bool stays a bool, seconds stay doubles."""
    return [
        KeyValue(key=key, value=_any_value(value))
        for key, value in values.items()
        if value is not None
    ]


def make_span(
    scope: RunScope,
    name: str,
    ids: tuple[str, str, str | None],  # hex: trace, span, parent
    between_mono_ns: tuple[int, int],
    values: Attributes,
    *,
    kind: Span.SpanKind.ValueType = Span.SPAN_KIND_INTERNAL,
    events: Iterable[tuple[str, int | None]] = (),
    error_type: str | None = None,
    message: str = "",
) -> Span:
    """A span of the run; ``error_type`` makes it a failed one and ``message`` says more of it.

    Events without a time never happened and are left out.
    """
    trace, own, parent = ids
    to_unix_ns = scope.anchor.to_unix_ns
    start_mono_ns, end_mono_ns = between_mono_ns
    span = Span(
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex(own),
        parent_span_id=b"" if parent is None else bytes.fromhex(parent),
        name=name,
        kind=kind,
        start_time_unix_nano=to_unix_ns(start_mono_ns),
        # Never before its start: an interrupted turn is answered before its question ends.
        end_time_unix_nano=to_unix_ns(max(start_mono_ns, end_mono_ns)),
        attributes=attributes(values),
        events=[
            Span.Event(name=event, time_unix_nano=to_unix_ns(at_ns))
            for event, at_ns in events
            if at_ns is not None
        ],
    )
    if error_type is not None:
        span.attributes.append(KeyValue(key=ERROR_TYPE, value=AnyValue(string_value=error_type)))
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = message
    return span


def link_to_run(span: Span, scope: RunScope) -> None:
    """Calls have traces of their own; the link is what ties them to their run."""
    span.links.add(
        trace_id=bytes.fromhex(run_trace_id(scope.run_id)),
        span_id=bytes.fromhex(run_span_id(scope.run_id)),
    )


def _any_value(value: Scalar) -> AnyValue:
    if isinstance(value, bool):  # before int: a bool is one
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value)
