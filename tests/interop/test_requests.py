"""Requests brought to size: none larger than a collector takes, none lost, none changed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_voiceload.interop import requests
from otel_voiceload.interop.requests import Broken, Part, batches, part_of
from otel_voiceload.telemetry.batches import Batch, Signal

Span = tuple[str, str, bytes]  # service, scope, span id


def traces(*counts: int, first: int = 0, name: str = "n", start_ns: int = 5) -> Part:
    """A request with a resource of its own for each count of spans."""
    made = ExportTraceServiceRequest()
    number = first
    for index, count in enumerate(counts):
        resource = made.resource_spans.add(schema_url=f"resource {index}")
        scope = resource.scope_spans.add(schema_url="scope")
        scope.scope.name = f"scope {index}"
        for _ in range(count):
            number += 1
            scope.spans.add(
                span_id=number.to_bytes(8, "big"),
                name=name,
                start_time_unix_nano=start_ns,
                end_time_unix_nano=start_ns + number,
            )
    return made_part("traces", made.SerializeToString())


def metrics(count: int) -> Part:
    made = ExportMetricsServiceRequest()
    scope = made.resource_metrics.add().scope_metrics.add()
    for number in range(count):
        scope.metrics.add(name=f"metric {number}")
    return made_part("metrics", made.SerializeToString())


def made_part(signal: Signal, body: bytes) -> Part:
    part = part_of(signal, body, "here")
    assert isinstance(part, Part)
    return part


def spans_in(bodies: Iterable[Batch | Part]) -> list[Span]:
    return [
        (resource.schema_url, scope.scope.name, span.span_id)
        for each in bodies
        for resource in ExportTraceServiceRequest.FromString(each.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def test_a_part_knows_its_count_and_the_times_that_somebody_set() -> None:
    part = traces(2, 1, start_ns=40)
    unset = traces(0)
    assert (part.items, part.first_unix_ns, part.last_unix_ns) == (3, 40, 43)
    assert (unset.items, unset.first_unix_ns, unset.last_unix_ns) == (0, None, None)
    assert traces(1, start_ns=0).first_unix_ns is None
    assert (metrics(4).items, metrics(4).first_unix_ns) == (4, None)


@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_bytes_that_are_no_request_are_broken_at_their_place(signal: Signal) -> None:
    broken = part_of(signal, b"\x0a\x7fshort", "message 7")
    assert isinstance(broken, Broken)
    assert (broken.where, broken.kind) == ("message 7", "unreadable")


@pytest.mark.parametrize(
    ("limit", "value"), [("JOIN_ITEMS", 10), ("JOIN_BYTES", 500)], ids=["items", "bytes"]
)
def test_small_requests_are_joined_up_to_the_limit_and_no_further(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(requests, limit, value)
    parts = [traces(3, first=3 * n) for n in range(20)]
    sent = list(batches(parts))
    sizes = [batch.items if limit == "JOIN_ITEMS" else len(batch.body) for batch in sent]

    assert max(sizes) <= value
    assert min(sizes[:-1]) > value / 2, "they were sent one by one"
    assert sum(batch.items for batch in sent) == 60
    assert spans_in(sent) == spans_in(parts)


def test_a_large_request_is_cut_and_each_span_keeps_its_resource_and_scope() -> None:
    large = traces(requests.JOIN_ITEMS + 1, 3)
    sent = list(batches([large]))

    assert max(batch.items for batch in sent) <= requests.JOIN_ITEMS < large.items
    assert spans_in(sent) == spans_in([large])


def test_a_request_of_many_bytes_is_cut_though_its_spans_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "CUT_BYTES", 100_000)
    monkeypatch.setattr(requests, "JOIN_BYTES", 200_000)
    large = traces(2000, name="n" * 200)
    sent = list(batches([large]))

    assert len(large.body) > 400_000
    assert max(len(batch.body) for batch in sent) <= 200_000
    assert spans_in(sent) == spans_in([large])


def test_signals_are_not_joined_and_their_order_stays() -> None:
    sent = list(batches([traces(1), traces(1), metrics(2), metrics(1), traces(1)]))
    assert [(batch.signal, batch.items) for batch in sent] == [
        ("traces", 2),
        ("metrics", 3),
        ("traces", 1),
    ]


def test_nothing_to_send_is_no_request() -> None:
    assert list(batches([])) == []
