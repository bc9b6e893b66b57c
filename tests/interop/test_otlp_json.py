"""Lines and documents of OTLP JSON: which of them a file is, and the place of what is broken."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_voiceload.errors import UsageError
from otel_voiceload.interop import otlp_json
from otel_voiceload.interop.requests import Broken, Part

TRACE = "5b8efff798038103d269b633813fc60c"


def span(number: int) -> dict[str, object]:
    return {"traceId": TRACE, "spanId": f"{number:016x}", "name": f"span {number}"}


def spans(*numbers: int) -> dict[str, object]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span(n) for n in numbers]}]}]}


def line(*numbers: int) -> bytes:
    return json.dumps(spans(*numbers)).encode()


def opened(content: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(content), 1 << 16)


def read(content: bytes) -> tuple[list[list[str]], list[Broken]]:
    """The names of the spans of each request, and what was broken."""
    found = list(otlp_json.requests(opened(content)))
    names = [list(names_of(each)) for each in found if isinstance(each, Part)]
    return names, [each for each in found if isinstance(each, Broken)]


def names_of(part: Part) -> Iterator[str]:
    for resource in ExportTraceServiceRequest.FromString(part.body).resource_spans:
        for scope in resource.scope_spans:
            yield from (each.name for each in scope.spans)


@pytest.mark.parametrize(
    ("content", "requests"),
    [
        (line(1) + b"\n" + line(2), [["span 1"], ["span 2"]]),
        (b"\n" + line(1) + b"\r\n\r\n" + line(2) + b"\n", [["span 1"], ["span 2"]]),
        (line(1, 2), [["span 1", "span 2"]]),
        (json.dumps(spans(1, 2), indent=1).encode(), [["span 1", "span 2"]]),
        (b"\xef\xbb\xbf" + json.dumps(spans(1), indent=1).encode(), [["span 1"]]),
    ],
    ids=["lines", "with empty lines", "one line", "document", "document with a mark"],
)
def test_each_line_is_a_request_and_a_document_is_one(
    content: bytes, requests: list[list[str]]
) -> None:
    assert read(content) == (requests, [])


def test_ids_are_hex_and_not_base64() -> None:
    (part,) = otlp_json.requests(opened(line(1)))
    assert isinstance(part, Part)
    request = ExportTraceServiceRequest.FromString(part.body)
    assert request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex() == TRACE


@pytest.mark.parametrize(
    ("bad", "why", "kind"),
    [
        (b'{"resourceSpans": [', "it is not JSON", "unreadable"),
        (b"[1]", "it is no object", "unreadable"),
        (b"{}", "it has nothing", "unreadable"),
        (b'{"batches": []}', "it has batches", "unreadable"),
        (b'{"resourceLogs": []}', "logs are not stored", "logs"),
        (b'{"resourceProfiles": []}', "profiles are not stored", "profiles"),
    ],
)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_broken_line_is_named_and_the_others_are_kept(
    bad: bytes, why: str, kind: str, place: int
) -> None:
    lines = [line(1), line(2)]
    lines.insert(place - 1, bad)
    names, (broken,) = read(b"\n".join(lines))
    assert names == [["span 1"], ["span 2"]]
    assert (broken.where, broken.kind) == (f"line {place}", kind)
    assert why in broken.why


def test_a_line_of_two_signals_gives_a_request_of_each() -> None:
    both = {**spans(1), "resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m"}]}]}]}
    found = list(otlp_json.requests(opened(json.dumps(both).encode())))
    assert [each.signal for each in found if isinstance(each, Part)] == ["traces", "metrics"]


def test_a_document_that_is_broken_is_one_broken_piece() -> None:
    names, (broken,) = read(json.dumps(spans(1, 2), indent=1).encode()[:-4])
    assert names == []
    assert broken.where == "the document"


def test_a_document_too_large_for_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.dumps(spans(1), indent=1).encode()
    monkeypatch.setattr(otlp_json, "DOCUMENT_BYTES", len(content))
    assert read(content) == ([["span 1"]], [])
    with pytest.raises(UsageError, match="write one request a line"):
        read(content + b" ")


@pytest.mark.parametrize(
    ("content", "is_json"),
    [(b' \n{"a": 1}', True), (b"\xef\xbb\xbf{", True), (b"[{}]", False), (b"\x0a\x05", False)],
)
def test_json_is_known_by_its_first_brace(content: bytes, is_json: bool) -> None:
    assert otlp_json.looks_like_it(opened(content)) is is_json
