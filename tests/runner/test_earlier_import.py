"""Which run of before a file goes on with, by the spans that it begins with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.interop.source import fingerprint
from otel_voiceload.model import ClockAnchor
from otel_voiceload.runner import earlier_import
from otel_voiceload.runner.earlier_import import Earlier
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from otel_voiceload.telemetry.otlp import RunScope, make_span
from tests.store.builder import spans_batch, write_segment

A, B, OTHER = ("ab" * 16, "cd" * 16, "ef" * 16)
FIRST = b"what was imported"
LOST = {"unreadable": 1}


def span(trace: str, number: int, name: str = "work", **values: str | int) -> Span:
    ids = (trace, f"{number:016x}", None)
    return make_span(RunScope("", ClockAnchor(0, 0)), name, ids, (5, 9), values)


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    """Spans 1 to 3 of A and 4 of B, imported as a run of which something was lost."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "first").write_bytes(FIRST)
    content = fingerprint(folder / "first")
    said = {
        "voiceload.run.tag": "t",
        "voiceload.run.spans_lost": json.dumps(LOST),
        "voiceload.import.content": content.digest,
        "voiceload.import.bytes": content.content_bytes,
    }
    run = {"service.name": "ovl-import", "voiceload.run.id": "run-a"}
    spans = [span(A, 1), span(A, 2), span(A, 3), span(B, 4)]
    batches = [
        spans_batch([span("12" * 16, 1, "run.start")], run),
        spans_batch(spans, {"service.name": "bot"}),
        spans_batch([span("12" * 16, 2, "run", **said)], run),
    ]
    with open_store(write_segment(folder / "run.duckdb", batches)) as opened:
        yield opened


def file_of(tmp_path: Path, *spans: tuple[str, int]) -> Path:
    made = [{"traceId": trace, "spanId": f"{number:016x}", "name": "x"} for trace, number in spans]
    lines = [{"resourceSpans": [{"scopeSpans": [{"spans": [each]}]}]} for each in made]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return path


@pytest.mark.parametrize(
    ("spans", "goes_on", "adds"),
    [
        ([(A, 1), (A, 2), (A, 3), (B, 4), (OTHER, 5)], True, True),
        ([(A, 1), (A, 2)], True, False),
        ([(B, 4), (A, 1)], True, False),
        ([(B, 6), (A, 7)], True, True),
        ([(A, 7), (OTHER, 5)], False, True),
        ([(OTHER, 5), (A, 1)], False, True),
        ([(OTHER, 5)], False, True),
    ],
    ids=["grown", "cut", "a piece", "the rest", "the next", "mostly new", "another"],
)
def test_a_file_goes_on_with_the_run_whose_spans_it_begins_with(
    spans: list[tuple[str, int]], goes_on: bool, adds: bool, tmp_path: Path, reading: Reading
) -> None:
    path = file_of(tmp_path, *spans)
    found = earlier_import.find(reading, path)
    assert (found is not None) is goes_on
    assert earlier_import.holds_all(reading, path) is not adds
    if found is not None:
        assert (found.run_id, found.whole, found.tag, found.lost) == ("run-a", True, "t", LOST)
        assert (found.start_ns, found.end_ns, found.content_bytes) == (5, 9, len(FIRST))


@pytest.mark.parametrize(
    ("content", "is_beginning"),
    [(FIRST, True), (FIRST + b" and more", True), (FIRST[:-1], False), (b"!" + FIRST, False)],
)
def test_what_an_earlier_file_lost_was_read_again_where_it_is_the_beginning(
    content: bytes, is_beginning: bool, tmp_path: Path, reading: Reading
) -> None:
    earlier = earlier_import.find(reading, file_of(tmp_path, (A, 1)))
    path = tmp_path / "b"
    path.write_bytes(content)
    assert earlier is not None
    assert earlier.is_beginning_of(path, fingerprint(path)) is is_beginning
    unfinished = Earlier("run-a", whole=False, start_ns=0, end_ns=0)
    assert not unfinished.is_beginning_of(path, fingerprint(path))
