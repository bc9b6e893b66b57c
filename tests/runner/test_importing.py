"""A file becomes a run: bound to it, stored once, and what was broken said, by a real collector."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.interop import requests
from otel_voiceload.reports.build import build_report
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.runs import sizes
from otel_voiceload.runner.importing import Imported, import_file
from otel_voiceload.store.open import open_store

RECORDED = Path(__file__).parents[1] / "recorded"
PIPECAT = RECORDED / "pipecat-1.14.0-twilio-ws.otlp.jsonl"


def imported(path: Path, store: Path, said: list[str] | None = None) -> Imported:
    return import_file(str(path), store, "friday", io.BytesIO(), (said or []).append)


def test_a_file_without_a_run_becomes_one_and_is_stored_once(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = imported(PIPECAT, store)
    again = imported(PIPECAT, store)

    assert (first.spans, first.lost, first.known) == (32, {}, False)
    assert [(j.run_id, j.joined_by, j.spans) for j in first.joined] == [
        (first.run_id, "import", 32)
    ]
    assert (again.known, again.run_id) == (True, first.run_id)
    with open_store(store) as reading:
        found = reading.sql("select tag, target, wire, shut_down from runs").rows
        spans = reading.sql("select count(*) from otel_spans where run_id = 'x'").rows
        assert first.run_id is not None
        report = build_report(reading, first.run_id)
    assert found == (("friday", PIPECAT.name, "import", True),)
    assert spans == ((0,),)
    # Six turns make no level; what their components took is told all the same.
    p50_s = {each["component"]: each["p50_s"] for each in report["whole_run"]}
    assert [round(p50_s[name] or 0.0, 3) for name in ("stt", "llm", "tts")] == [0.339, 0.271, 0.200]
    assert (report["connect"]["success"], report["generator"]["spans_stored"]) == (None, 32)
    assert "ovl generate" not in report["next_step"]


def test_a_file_that_names_a_run_goes_to_that_run(tmp_path: Path) -> None:
    spans = [
        {
            "traceId": "ab" * 16,
            "spanId": "cd" * 8,
            "name": "work",
            "startTimeUnixNano": "1795387449000000000",
            "endTimeUnixNano": "1795387449100000000",
        }
    ]
    name = [{"key": "voiceload.run.id", "value": {"stringValue": "mine"}}]
    line = {"resourceSpans": [{"resource": {"attributes": name}, "scopeSpans": [{"spans": spans}]}]}
    stray = {"resourceSpans": [{"scopeSpans": [{"spans": [{**spans[0], "traceId": "ef" * 16}]}]}]}
    bad = {"resourceSpans": [{"scopeSpans": [{"spans": [{**spans[0], "traceId": "ef"}]}]}]}
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, (line, stray, bad))) + "\n{", "utf-8")
    said: list[str] = []

    result = import_file(str(path), tmp_path / "store", "", io.BytesIO(), said.append)

    assert [(j.run_id, j.joined_by, j.spans) for j in result.joined] == [
        ("mine", "trace", 1),
        (None, None, 1),
    ] or [(j.run_id, j.joined_by, j.spans) for j in result.joined] == [
        (None, None, 1),
        ("mine", "trace", 1),
    ]
    assert result.run_id is None
    assert result.lost == {"rejected": 1, "unreadable": 1}
    assert said[0].startswith("line 4: it is not JSON")
    known = imported(path, tmp_path / "store")
    assert (known.known, {each.run_id for each in known.joined}) == (True, {"mine", None})

    more, rejected = tmp_path / "more.jsonl", tmp_path / "rejected.jsonl"
    more.write_bytes(work(5))  # of the trace that belongs to that run
    rejected.write_bytes(work(6).replace(b"ab" * 16, b"ab"))
    joined, again = imported(more, tmp_path / "store"), imported(more, tmp_path / "store")
    nothing = imported(rejected, tmp_path / "store")

    assert [(each.known, each.run_id) for each in (joined, again)] == [(False, None), (True, None)]
    assert [(j.run_id, j.spans) for j in again.joined] == [("mine", 1)]
    assert (nothing.taken_nothing, nothing.run_id, nothing.joined) == (True, None, [])
    with open_store(tmp_path / "store") as reading:
        assert reading.sql("select run_id from runs").rows == (("mine",),)
    sized = sizes(tmp_path / "store")
    assert [each.runs for each in sized] == [("mine",), ("mine",), ()]
    assert not sized[2].holds_anything


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"other": 1}\n{"thing": 2}\n', "line 1: it is no OTLP request: it has other; what is"),
        (b'{\n "data": []\n}', "the document: it is no OTLP request: it has data; what is"),
        (b'{"resourceSpans": []}\n{"resourceMetrics": []}\n', "no span and no metric; what is"),
        (b"\n\x02ab\n\x00", "message 1 at byte 0: it is not an OTLP traces request"),
        (b'[\n {\n  "traceId": "ab"\n }\n]\n', "seems to be a JSON array"),
    ],
)
def test_a_file_in_which_nothing_can_be_read_is_one_line_and_leaves_no_recording(
    content: bytes, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    said: list[str] = []
    with pytest.raises(UsageError, match=why):
        imported(path, tmp_path / "store", said)
    assert said == []
    assert not (tmp_path / "store" / "recordings").exists()


def test_an_import_that_was_interrupted_leaves_a_run_and_the_next_adds_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "JOIN_ITEMS", 1)
    store, broken, lines = tmp_path / "store", 20, 40
    piped = b"\n".join(b"{" if n == broken else work(n) for n in range(lines))

    def interrupt(_words: str) -> None:
        signal.raise_signal(signal.SIGINT)

    # A shell's background job ignores SIGINT, and so would everything that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            import_file("-", store, "cut", io.BytesIO(piped), interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    ((_, cut, shut_down),) = runs(store)
    assert not shut_down
    assert broken - 1 <= cut < lines - 1, "all that was handed over is there"
    assert list(store.glob(".import-*")) == []

    whole = import_file("-", store, "cut", io.BytesIO(piped), lambda _words: None)

    assert (whole.known, whole.spans) == (False, lines - 1)
    assert runs(store) == ((whole.run_id, lines - 1, True),), "none is missing, none there twice"


def test_a_file_that_grew_goes_on_with_its_run_and_one_that_was_cut_adds_nothing(
    tmp_path: Path,
) -> None:
    store, path = tmp_path / "store", tmp_path / "a.jsonl"
    lines = [work(n) for n in range(4)]

    def again(content: bytes, tag: str) -> Imported:
        path.write_bytes(content)
        return import_file(str(path), store, tag, io.BytesIO(), lambda _words: None)

    def said() -> tuple[tuple[Any, ...], ...]:
        with open_store(store) as reading:
            return reading.sql("select run_id, tag, spans_lost from runs").rows

    growing = b"\n".join(lines[:3])[:-9]
    first = again(growing, "first")
    assert said() == ((first.run_id, "first", '{"unreadable":1}'),)

    grown = again(b"\n".join(lines[:3]), "second")
    assert (grown.run_id, grown.known, grown.lost, grown.lost_before) == (
        (first.run_id, False, {}, {})
    )
    assert said() == ((first.run_id, "first", "{}"),), "what was cut off has been read"
    assert runs(store) == ((first.run_id, 3, True),)
    assert read_marks(store).tags == {"second": first.run_id}

    cut = again(b"\n".join(lines[:2])[:-9], "")
    assert (cut.run_id, cut.known, cut.lost) == (first.run_id, True, {"unreadable": 1})


def work(number: int) -> bytes:
    span = {
        "traceId": "ab" * 16,
        "spanId": f"{number + 1:016x}",
        "name": "work",
        "startTimeUnixNano": "1795387449000000000",
        "endTimeUnixNano": "1795387449100000000",
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def runs(store: Path) -> tuple[tuple[Any, ...], ...]:
    """Id, spans of the file and whether it was shut down, of each run."""
    with open_store(store) as reading:
        return reading.sql(
            "select run_id, (select count(*) from otel_spans s where s.name = 'work'), shut_down"
            " from runs"
        ).rows
