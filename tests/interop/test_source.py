"""Files to import: told apart by content, read in pieces, what is broken named with its place."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_voiceload.errors import UsageError
from otel_voiceload.interop import otlp_json, requests, source
from otel_voiceload.interop.requests import Broken, Part, batches


def request(span: int, start_ns: int = 1000, spans: int = 1) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    added = made.resource_spans.add().scope_spans.add()
    for number in range(spans):
        added.spans.add(
            trace_id=b"t" * 16,
            span_id=(span * 1_000_000 + number + 1).to_bytes(8, "big"),
            name="some span",
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + 5,
        )
    return made


def json_of(made: ExportTraceServiceRequest) -> dict[str, object]:
    spans = [
        {
            "traceId": span.trace_id.hex(),
            "spanId": span.span_id.hex(),
            "name": span.name,
            "startTimeUnixNano": str(span.start_time_unix_nano),
            "endTimeUnixNano": str(span.end_time_unix_nano),
        }
        for span in made.resource_spans[0].scope_spans[0].spans
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


LINES = [json.dumps(json_of(request(n))).encode() for n in (1, 2, 3)]
FRAMES = [request(n).SerializeToString() for n in (1, 2, 3)]


def varint(body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([len(body)]) + body


def fixed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def read(tmp_path: Path, content: bytes) -> tuple[list[str], list[Broken]]:
    """The ids of the spans and what was broken."""
    path = tmp_path / "a file of any name"
    path.write_bytes(content)
    ids, broken = [], []
    for found in source.requests(path):
        if isinstance(found, Broken):
            broken.append(found)
            continue
        for resource in ExportTraceServiceRequest.FromString(found.body).resource_spans:
            ids += [span.span_id.hex() for s in resource.scope_spans for span in s.spans]
    return ids, broken


ALL = [(n * 1_000_000 + 1).to_bytes(8, "big").hex() for n in (1, 2, 3)]


@pytest.mark.parametrize(
    "content",
    [
        b"\n".join(LINES),
        b"\n\n".join(LINES) + b"\r\n",
        b"\xef\xbb\xbf" + b"\n".join(LINES),
        json.dumps(
            {
                "resourceSpans": [
                    each for line in LINES for each in json.loads(line)["resourceSpans"]
                ]
            },
            indent=2,
        ).encode(),
        b"".join(FRAMES),
        b"".join(map(varint, FRAMES)),
        b"".join(map(fixed, FRAMES)),
    ],
    ids=["lines", "empty lines", "mark", "document", "one request", "varints", "four bytes"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_is_what_its_content_says(
    tmp_path: Path, content: bytes, pack: Callable[[bytes], bytes]
) -> None:
    assert read(tmp_path, pack(content)) == (ALL, [])


@pytest.mark.parametrize(
    ("content", "ids", "where", "why"),
    [
        (b"\n".join([LINES[0], LINES[1][:-9], LINES[2]]), [0, 2], "line 2", "not JSON"),
        (b"\n".join([LINES[0][:-9], *LINES[1:]]), [1, 2], "line 1", "not JSON"),
        (b"\n".join([LINES[0], b'{"spans": []}', LINES[2]]), [0, 2], "line 2", "has spans"),
        (b"\n".join([LINES[0], b'{"resourceSpans": 7}']), [0], "line 2", "must be an array"),
        (b"\n".join([*LINES, b'{"resourceLogs": [{}]}']), [0, 1, 2], "line 4", "logs"),
        (b"".join(map(varint, FRAMES))[:-3], [0, 1], "message 3 at byte", "3 bytes before"),
        (
            varint(FRAMES[0]) + varint(b"\x0a\x05abc") + varint(FRAMES[2]),
            [0, 2],
            "message 2 at byte",
            "not an OTLP traces request",
        ),
        (b"".join(FRAMES)[:-3], [0, 1], "message 3", "3 bytes before"),
        (gzip.compress(b"\n".join(LINES))[:-9], [0, 1], "byte", "cut off"),
    ],
)
def test_what_is_broken_is_named_and_the_rest_is_read(
    tmp_path: Path, content: bytes, ids: list[int], where: str, why: str
) -> None:
    found, broken = read(tmp_path, content)
    assert found == [ALL[n] for n in ids]
    assert len(broken) == 1
    assert where in broken[0].where
    assert why in broken[0].why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"name,start\n", "neither OTLP JSON nor OTLP protobuf"),
        (b'[\n {\n  "traceId": "ab"\n }\n]\n', "seems to be a JSON array; what is read is"),
        (b'\xef\xbb\xbf[[{"traceId": "ab"}]]', "seems to be a JSON array; what is read is"),
        (b"\x28\xb5\x2f\xfd0000", "unpack it with zstd"),
    ],
)
def test_a_file_that_is_no_otlp_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read(tmp_path, content)


@pytest.mark.parametrize("length", [ord("["), ord("{")])
def test_a_protobuf_length_is_not_taken_for_the_beginning_of_json(
    length: int, tmp_path: Path
) -> None:
    made = request(1)
    span = made.resource_spans[0].scope_spans[0].spans[0]
    while made.ByteSize() < length:
        span.name += "!"
    assert read(tmp_path, varint(made.SerializeToString())) == (ALL[:1], [])


def test_a_line_without_an_end_is_skipped_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp_json, "LINE_BYTES", 400)
    long = LINES[0] + b" " * 2000
    found, broken = read(tmp_path, b"\n".join([LINES[1], long, LINES[2]]))
    assert found == ALL[1:]
    assert [each.where for each in broken] == ["line 2"]


def first_line(tmp_path: Path) -> str:
    path = tmp_path / "first line"
    path.write_bytes(LINES[0])
    return source.fingerprint(path).digest


def test_a_fingerprint_is_of_the_content_and_finds_the_name_of_a_run(tmp_path: Path) -> None:
    plain, packed, other = (tmp_path / name for name in "abc")
    plain.write_bytes(b"\n".join(LINES))
    packed.write_bytes(gzip.compress(b"\n".join(LINES)))
    other.write_bytes(b"x" * ((1 << 20) - 5) + b"voiceload.run.id")  # over the edge of a chunk
    assert source.fingerprint(plain) == source.fingerprint(packed)
    assert not source.fingerprint(plain).names_run
    assert source.fingerprint(other).names_run
    assert source.fingerprint(packed, len(LINES[0])).digest == first_line(tmp_path)


def test_what_a_pipe_brings_is_on_disk_only_as_long_as_it_is_read(tmp_path: Path) -> None:
    with source.on_disk("-", io.BytesIO(b"abc"), tmp_path) as path:
        assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(UsageError, match="there is no file"),
        source.on_disk(str(tmp_path / "none"), io.BytesIO(), tmp_path),
    ):
        pass


def part(made: ExportTraceServiceRequest) -> Part:
    found = requests.part_of("traces", made.SerializeToString(), "here")
    assert isinstance(found, Part)
    return found


def test_small_requests_travel_together_and_large_ones_in_pieces() -> None:
    parts = [part(request(n, start_ns=n)) for n in range(1, 100)]
    assert (parts[7].first_unix_ns, parts[7].last_unix_ns) == (8, 13)
    assert [batch.items for batch in batches(parts)] == [99]
    large = part(request(500, spans=requests.JOIN_ITEMS * 2 + 1))
    sent = list(batches([*parts, large]))
    assert sum(batch.items for batch in sent) == 99 + large.items
    assert max(batch.items for batch in sent) <= requests.JOIN_ITEMS
    spans = [
        span.span_id
        for batch in sent
        for r in ExportTraceServiceRequest.FromString(batch.body).resource_spans
        for s in r.scope_spans
        for span in s.spans
    ]
    assert len(set(spans)) == len(spans)
