"""Requests that nobody sends by mistake: small on the wire, dear inside, or simply wrong.

Every entry says with which HTTP statuses it must be answered. 200 is among them only where OTLP
asks for it: a request whose spans are rejected one by one is a partial success.
"""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.collector.processes import Served, post, read_answer
from tests.collector.requests import field, span_id, trace_id, traces

MIB = 2**20
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Hostile:
    name: str
    body: bytes
    statuses: frozenset[int]
    content_type: str = PROTOBUF
    encoding: str | None = None


def status_of(served: Served, hostile: Hostile) -> int:
    """What it is answered."""
    headers = [f"content-encoding: {hostile.encoding}"] if hostile.encoding else []
    request = post(hostile.body, *headers).replace(
        PROTOBUF.encode(), hostile.content_type.encode(), 1
    )
    with served.connect() as connection:
        # The refusal may come before the body has left; it must be readable all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return read_answer(connection)[0]


def corpus() -> Iterator[Hostile]:
    """Made one at a time, since some of them are large."""
    yield from _deep()
    yield from _large()
    yield from _wrong()


def _deep() -> Iterator[Hostile]:
    refused = frozenset({400})
    yield Hostile("100,000 JSON arrays", b"[" * 100_000, refused, JSON)
    for levels in (150, 5_000):
        arrays = '{"arrayValue":{"values":[' * levels + "{}" + "]}}" * levels
        yield Hostile(f"{levels} JSON array values", _json_attribute(arrays), refused, JSON)
        lists = '{"kvlistValue":{"values":[{"value":' * levels + "{}" + "}]}}" * levels
        yield Hostile(f"{levels} JSON kvlists", _json_attribute(lists), refused, JSON)
    # Nesting of one attribute costs its span only: protobuf's parser stops at 100 levels.
    rejected = frozenset({200, 400, 413})
    for number, levels in ((5, 5_000), (6, 2_000)):
        inner = b""
        for _ in range(levels):
            inner = field(number, field(1, inner if number == 5 else field(2, inner)))
        body = _span(field(9, field(1, b"deep") + field(2, inner)))
        yield Hostile(f"{levels} protobuf levels of field {number}", body, rejected)


def _large() -> Iterator[Hostile]:
    too_large = frozenset({413})
    yield Hostile("gzip bomb of 256 MiB", _bomb(256), too_large, encoding="gzip")
    yield Hostile("gzip bomb as JSON", _bomb(64), too_large, JSON, "gzip")
    yield Hostile("gzip in gzip", gzip.compress(_bomb(64)), frozenset({400, 413}), encoding="gzip")
    flood = field(1, field(2, field(2, b"") * 2_000_000))
    yield Hostile("2,000,000 empty spans", flood, too_large)
    yield Hostile("the same as gzip", gzip.compress(flood), too_large, encoding="gzip")
    some = field(1, field(2, field(2, b"") * 90_000))
    yield Hostile("90,000 empty spans", some, frozenset({200, 413}))
    empty = _span(field(9, b"") * 2_000_000)
    yield Hostile("2,000,000 empty attributes", gzip.compress(empty), too_large, encoding="gzip")
    events = _span(field(11, b"") * 2_000_000)
    yield Hostile("2,000,000 empty events", gzip.compress(events), too_large, encoding="gzip")
    groups = field(1, b"") * 2_000_000
    yield Hostile("2,000,000 empty groups", gzip.compress(groups), too_large, encoding="gzip")
    scopes = b'{"resourceSpans":[' + b"{}," * 3_000_000 + b"{}]}"
    yield Hostile("3,000,000 JSON objects", gzip.compress(scopes, 1), too_large, JSON, "gzip")
    text = b"x" * (15 * MIB)
    yield Hostile("a name of 15 MiB", _span(field(5, text)), frozenset({200}))
    yield Hostile("a body of 17 MiB", _span(field(5, text + bytes(2 * MIB))), too_large)
    words = b'{"x":"' + text + b'"}'
    yield Hostile("a JSON string of 15 MiB", words, frozenset({200}), JSON)


def _wrong() -> Iterator[Hostile]:
    refused, rejected = frozenset({400}), frozenset({200})
    good = traces(2, first=900_000_001).SerializeToString()
    yield Hostile("a request cut short", good[:-3], refused)
    yield Hostile("no protobuf", b"\xff" * 1000, refused)
    yield Hostile("no gzip", b"\x1f\x8b" + bytes(100), refused, encoding="gzip")
    yield Hostile("gzip cut short", gzip.compress(good)[:-9], refused, encoding="gzip")
    yield Hostile("a number where a span belongs", field(1, field(2, b"\x10\x07")), refused)
    yield Hostile("an unknown encoding", good, frozenset({415}), encoding="br")
    yield Hostile("an unknown type", good, frozenset({415}), "text/plain")
    ids = field(1, trace_id(1)[:3]) + field(2, span_id(1) * 700)
    yield Hostile("wrong ids", field(1, field(2, field(2, ids))), rejected)
    yield Hostile("bad UTF-8", _span(field(5, b"\xff\xfe")), rejected)
    for ns in (2**63, 2**64 - 1):  # OTLP allows them, so they are stored and must be readable
        times = b"\x39" + ns.to_bytes(8, "little") + b"\x41" + ns.to_bytes(8, "little")
        yield Hostile(f"a time of {ns}", _span(times), rejected)
    for name, content in {
        "a list": [],
        "spans that are a text": {"resourceSpans": [{"scopeSpans": [{"spans": "all"}]}]},
        "a span that is a number": {"resourceSpans": [{"scopeSpans": [{"spans": [7]}]}]},
        "an enum by name": _json_span({"kind": "SPAN_KIND_SERVER"}),
        "a time that is a map": _json_span({"startTimeUnixNano": {}}),
        "a time beyond 64 bits": _json_span({"startTimeUnixNano": 10**30}),
        "a flag that is negative": _json_span({"flags": -1}),
    }.items():
        yield Hostile(f"JSON: {name}", json.dumps(content).encode(), refused, JSON)
    yield Hostile("JSON with a lone surrogate", b'{"resourceSpans":"\\ud800"}', refused, JSON)


def _span(more: bytes) -> bytes:
    ids = field(1, trace_id(9)) + field(2, span_id(hash(more) & (2**63 - 1) | 1))
    return field(1, field(2, field(2, ids + more)))


def _json_span(fields: dict[str, object]) -> dict[str, object]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}


def _json_attribute(value: str) -> bytes:
    text = json.dumps(_json_span({"attributes": [{"key": "deep", "value": 0}]}))
    return text.replace('"value": 0', f'"value": {value}').encode()


def _bomb(mib: int) -> bytes:
    return gzip.compress(bytes(16 * MIB), 9) * (mib // 16)  # members in a row count as one stream
