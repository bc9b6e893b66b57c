"""Protobuf in files: three framings told apart, and what a file that was cut off still gives."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_voiceload.interop import otlp_protobuf
from otel_voiceload.interop.requests import Broken, Part

Framed = Callable[[bytes], bytes]


def request(*names: str) -> bytes:
    made = ExportTraceServiceRequest()
    for name in names:
        made.resource_spans.add().scope_spans.add().spans.add(
            trace_id=b"t" * 16, span_id=b"s" * 8, name=name
        )
    return made.SerializeToString()


def varint(body: bytes) -> bytes:
    length, head = len(body), bytearray()
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*head, length]) + body


def fixed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def opened(content: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(content), 1 << 16)


def read(content: bytes) -> tuple[list[list[str]], list[Broken]]:
    """The names of the spans of each request, and what was broken."""
    found = list(otlp_protobuf.requests(opened(content)))
    names = [names_of(each.body) for each in found if isinstance(each, Part)]
    return names, [each for each in found if isinstance(each, Broken)]


def names_of(body: bytes) -> list[str]:
    resources = ExportTraceServiceRequest.FromString(body).resource_spans
    return [each.name for r in resources for s in r.scope_spans for each in s.spans]


SHORT, LONG = request("a"), request("b" * 300)  # a length of one byte, and one of two


@pytest.mark.parametrize(
    ("content", "framing"),
    [
        (SHORT, "one"),
        (LONG, "one"),
        (varint(SHORT), "varint"),
        (varint(LONG), "varint"),
        (varint(request("a", "b")), "varint"),
        (fixed(SHORT), "fixed"),
        (fixed(LONG), "fixed"),
        (b"", None),
        (b"\0\0\0\0", None),
        (b"name,start\n", None),
        (b"\x0a", None),
    ],
)
def test_the_framing_shows_in_the_first_bytes(content: bytes, framing: str | None) -> None:
    assert otlp_protobuf.framing_of(opened(content)) == framing


@pytest.mark.parametrize("letters", [*range(13), 116, 117, 118, 119, 120, 121, 122, 128, 300])
def test_no_length_is_taken_for_a_tag(letters: int) -> None:
    """A length of ten is the byte of the tag itself: outside with two letters, inside with four."""
    made = ExportTraceServiceRequest()
    made.resource_spans.add().scope_spans.add().spans.add(name="x" * letters)
    body = made.SerializeToString()
    for framed, framing in ((bytes, "one"), (varint, "varint"), (fixed, "fixed")):
        assert otlp_protobuf.framing_of(opened(framed(body))) == framing


@pytest.mark.parametrize("framed", [varint, fixed])
def test_each_message_of_a_stream_is_a_request(framed: Framed) -> None:
    content = framed(request("a", "b")) + framed(LONG) + framed(request("c"))
    assert read(content) == ([["a", "b"], ["b" * 300], ["c"]], [])


def test_one_request_is_read_a_resource_at_a_time() -> None:
    assert read(request("a", "b" * 300, "c")) == ([["a"], ["b" * 300], ["c"]], [])


@pytest.mark.parametrize("framed", [bytes, varint, fixed])
@pytest.mark.parametrize("missing", [1, 20])
def test_a_message_that_was_cut_off_is_told_with_its_byte(framed: Framed, missing: int) -> None:
    whole = framed(SHORT)
    names, (broken,) = read((whole * 3)[:-missing])
    assert names == [["a"], ["a"]]
    assert broken.where == f"message 3 at byte {2 * len(whole)}"
    assert broken.why == f"the file ends {missing} bytes before it does"


def test_a_length_that_was_cut_off_is_told_with_its_byte() -> None:
    whole = fixed(SHORT)
    names, (broken,) = read(whole + whole[:2])
    assert names == [["a"]]
    assert broken.where == f"message 2 at byte {len(whole)}"


@pytest.mark.parametrize("framed", [varint, fixed])
def test_a_message_of_nonsense_is_left_out_and_the_next_is_read(framed: Framed) -> None:
    content = [framed(SHORT), framed(b"\x0a\x7fshort"), framed(request("c"))]
    names, (broken,) = read(b"".join(content))
    assert names == [["a"], ["c"]]
    assert broken.where == f"message 2 at byte {len(content[0])}"
    assert "not an OTLP traces request" in broken.why


@pytest.mark.parametrize(
    ("content", "at"),
    [
        ([varint(SHORT), b"\xff" * 12], len(varint(SHORT))),
        ([fixed(SHORT), b"\xff" * 12], len(fixed(SHORT))),
        ([SHORT, b"\x12\x01x"], len(SHORT)),
    ],
    ids=["varint", "fixed", "one"],
)
def test_without_a_length_nothing_behind_it_is_read(content: Sequence[bytes], at: int) -> None:
    names, (broken,) = read(b"".join(content) + SHORT)
    assert names == [["a"]]
    assert broken.where == f"message 2 at byte {at}"
    assert "the rest of the file is not read" in broken.why
