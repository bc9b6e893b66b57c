"""What has to hold for any bytes that reach the collector, as functions that a fuzzer can call.

A failed promise is an AssertionError and a crash is any other error than RequestRefused. The yard
stick for lost spans is protobuf's own parser: what it reads as a span with valid ids is stored, or
the whole request is refused with a reason.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ovl_collector.admission import gunzip
from ovl_collector.decode import Decoder
from ovl_collector.decoded import Decoded, Limits, Signal
from ovl_collector.errors import RequestRefused, TooLarge
from tests.collector.requests import as_json, field, gauge, key_values, traces

# Small ones, so that inputs of a few hundred bytes reach them.
LIMITS = Limits(body_bytes=4096, items=8, elements=200, json_parts=500)
_DECODER = Decoder()
_ONE_BY_ONE = Decoder(many_spans=10**9)
_AT_ONCE = Decoder(many_spans=1)
_LIMITED = Decoder(LIMITS)
# In front of any other bytes these are one more group: protobuf adds up repeated fields.
_KNOWN = traces(1, first=77).SerializeToString()
_KNOWN_ID = traces(1, first=77).resource_spans[0].scope_spans[0].spans[0].span_id
_KINDS = range(256)


def sample() -> ExportTraceServiceRequest:
    """A request with something in every field, to begin from."""
    request = traces(2, attributes={"session.id": "s", "d": 0.5, "deep": [{"k": [b"x", None]}]})
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.status.message, span.status.code = "m", 2
    span.trace_state, span.parent_span_id = "a=b", b"p" * 8
    span.events.add(name="e", time_unix_nano=5).attributes.extend(key_values({"a": 1}))
    span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8).attributes.extend(key_values({"b": -1.5}))
    return request


def seeds() -> list[bytes]:
    """Beginnings for a fuzzer: requests of both signals in both encodings."""
    messages = (sample(), gauge())
    return [
        *(message.SerializeToString() for message in messages),
        *(as_json(message) for message in messages),
    ]


def decode(signal: Signal, body: bytes, *, json: bool, limited: bool = False) -> Decoded | None:
    """None when it was refused, which is always allowed for arbitrary bytes."""
    decoder = _LIMITED if limited else _DECODER
    try:
        found = decoder.decode(signal, body, 1, json=json)
    except RequestRefused:
        return None
    assert found.received == found.stored + found.rejected, "the counts do not add up"
    assert found.rows.num_rows == found.stored
    if limited:
        assert found.received <= LIMITS.items, "more items than the limit allows"
    return found


def any_protobuf(data: bytes) -> None:
    """Arbitrary bytes behind a valid span, against protobuf's own parser."""
    for signal in ("traces", "metrics"):
        decode(signal, data, json=False, limited=True)
    found = decode("traces", _KNOWN + data, json=False)
    if found is None:
        return
    assert _KNOWN_ID in found.rows.column("span_id").to_pylist(), "a valid span is lost"
    try:
        request = ExportTraceServiceRequest.FromString(_KNOWN + data)
    except DecodeError:
        return  # bad UTF-8 for one: we reject that span only
    assert found.received == sum(1 for _ in _spans(request))
    assert found.stored >= sum(map(_is_valid, _spans(request))), "a valid span is lost"


def any_block(data: bytes) -> None:
    """Spans that the bytes describe and damage, of one scope: read at once and one by one they give
    the same."""
    source = _Source(data)
    raws = []
    for _ in range(1 + source.below(6)):
        span = Span()
        _span(span, source)
        if source.below(8):
            _make_usual(span)
        raws.append(_damaged(span.SerializeToString(), source))
    body = field(1, field(2, b"".join(field(2, raw) for raw in raws)))
    one_by_one, at_once = (_all_of(decoder, body) for decoder in (_ONE_BY_ONE, _AT_ONCE))
    assert at_once == one_by_one, "the two roads differ"


def any_json(data: bytes) -> None:
    """Arbitrary bytes as OTLP/JSON."""
    for signal in ("traces", "metrics"):
        decode(signal, data, json=True)
        decode(signal, data, json=True, limited=True)


def any_gzip(data: bytes) -> None:
    """Arbitrary bytes as gzip: never more than the limit comes out."""
    with contextlib.suppress(RequestRefused):
        assert len(gunzip(data, LIMITS.body_bytes)) <= LIMITS.body_bytes


def any_request(data: bytes) -> None:
    """A well-formed request that the bytes describe: every valid span is stored, others are
    rejected one by one, and JSON brings the same as protobuf."""
    request = _built(_Source(data))
    valid = sorted(span.span_id for span in _spans(request) if _is_valid(span))
    count = sum(1 for _ in _spans(request))
    rows = []
    for body, json in ((request.SerializeToString(), False), (as_json(request), True)):
        found = decode("traces", body, json=json)
        assert found is not None, "a well-formed request was refused"
        assert found.received == count
        assert sorted(found.rows.column("span_id").to_pylist()) == valid, "a valid span is lost"
        rows.append(found.rows)
    assert rows[0].equals(rows[1]), "JSON and protobuf differ"


def any_limit(data: bytes) -> None:
    """As many spans as the bytes say: within the limit all are there, beyond it none are."""
    source = _Source(data)
    count, extra = source.below(20), source.below(8)
    body = traces(count, attributes={f"k{number}": number for number in range(extra)})
    try:
        found = _LIMITED.decode("traces", body.SerializeToString(), 1, json=False)
    except TooLarge:
        assert count > LIMITS.items
    else:
        assert found.stored == count <= LIMITS.items


def _all_of(decoder: Decoder, body: bytes) -> object:
    try:
        found = decoder.decode("traces", body, 1, json=False)
    except RequestRefused as refused:
        return refused.reason
    assert found.span_keys is not None
    return (
        sorted(map(repr, found.rows.to_pylist())),
        sorted(found.span_keys.tolist()),
        found.received,
        found.reject_reasons,
        found.resources,
        found.scopes,
    )


TARGETS: dict[str, Callable[[bytes], None]] = {
    "protobuf": any_protobuf,
    "json": any_json,
    "gzip": any_gzip,
    "request": any_request,
    "block": any_block,
    "limit": any_limit,
}


class _Source:
    """Choices drawn from bytes; zeros when they have run out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken.ljust(size, b"\0")

    def below(self, limit: int) -> int:
        return self.bytes(1)[0] % limit

    def text(self) -> str:
        return self.bytes(self.below(12)).decode("utf-8", "replace")


def _damaged(raw: bytes, source: _Source) -> bytes:
    """Mostly as it is; else some bytes of it are others, or more, or fewer."""
    if source.below(3):
        return raw
    at = int.from_bytes(source.bytes(2), "little") % (len(raw) + 1)
    return raw[:at] + source.bytes(source.below(4)) + raw[at + source.below(4) :]


def _built(source: _Source) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for _ in range(1 + source.below(2)):
        group = request.resource_spans.add(schema_url=source.text())
        _attributes(group.resource.attributes, source)
        scope = group.scope_spans.add()
        scope.scope.name = source.text()
        for _ in range(source.below(4)):
            _span(scope.spans.add(), source)
    return request


def _span(span: Any, source: _Source) -> None:  # Any: protobuf's generated message
    chance = random.Random(source.bytes(4))
    # Mostly valid lengths: a fuzzer finds the others all the same.
    span.trace_id = source.bytes(chance.choice((16, 16, 16, 16, 0, 3, 15, 17)))
    span.span_id = source.bytes(chance.choice((8, 8, 8, 8, 0, 7, 9, 24)))
    span.parent_span_id = source.bytes(chance.choice((8, 8, 0, 0, 0, 1, 16)))
    span.name, span.trace_state = source.text(), source.text()
    span.kind = chance.choice((0, 1, 2, 3, 4, 5, 200, 300, -1))
    span.start_time_unix_nano, span.end_time_unix_nano = chance.getrandbits(64), 0
    span.flags = chance.getrandbits(32)
    span.dropped_links_count = source.below(3)
    if source.below(2):
        span.status.code = chance.choice((0, 1, 2, 255, 256))
        span.status.message = source.text()
    _attributes(span.attributes, source)
    for _ in range(source.below(2)):
        _attributes(span.events.add(name=source.text()).attributes, source)
    for _ in range(source.below(2)):
        _attributes(span.links.add(trace_id=source.bytes(16)).attributes, source)


def _make_usual(span: Any) -> None:
    """What an exporter writes, so that it is read at once."""
    span.trace_id = span.trace_id[:16].ljust(16, b"t")
    span.span_id = span.span_id[:8].ljust(8, b"s")
    span.parent_span_id = span.parent_span_id[:8].ljust(8, b"p") if span.parent_span_id else b""
    span.kind = max(0, span.kind) % 6
    span.dropped_links_count = 0


def _attributes(target: Any, source: _Source) -> None:
    for _ in range(source.below(4)):
        _value(target.add(key=source.text() or "session.id").value, source, 0)


def _value(value: AnyValue, source: _Source, depth: int) -> None:
    match source.below(8 if depth < 4 else 6):
        case 0:
            value.string_value = source.text()
        case 1:
            value.bool_value = bool(source.below(2))
        case 2:
            value.int_value = int.from_bytes(source.bytes(8), "little", signed=True)
        case 3:
            value.double_value = int.from_bytes(source.bytes(3), "little") / 1024
        case 4:
            value.bytes_value = source.bytes(source.below(5))
        case 6:
            value.array_value.SetInParent()
            for _ in range(source.below(3)):
                _value(value.array_value.values.add(), source, depth + 1)
        case 7:
            value.kvlist_value.SetInParent()
            for _ in range(source.below(3)):
                pair = value.kvlist_value.values.add(key=source.text())
                _value(pair.value, source, depth + 1)


def _spans(request: ExportTraceServiceRequest) -> Any:
    return (
        span
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    )


def _is_valid(span: Any) -> bool:
    return (
        len(span.trace_id) == 16
        and any(span.trace_id)
        and len(span.span_id) == 8
        and any(span.span_id)
        and (len(span.parent_span_id) == 8 or not span.parent_span_id)
        and span.kind in _KINDS
        and span.status.code in _KINDS
    )
