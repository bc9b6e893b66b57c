"""``ovl doctor`` as a shell sees it: its words, its rows and the code that it leaves with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.cli import doctor
from otel_voiceload.reports.doctor import Examined, checks
from otel_voiceload.telemetry.otlp import attributes
from tests.cli.ovl import ovl
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_store

Capture = pytest.CaptureFixture[str]
COLUMNS = ("check", "subject", "checked", "faulty", "verdict", "found", "left_out")


def store_with(folder: Path, latency_s: float) -> Path:
    """A store whose target told of one llm span, of that latency."""
    span = Span(
        trace_id=bytes.fromhex(records.identity().trace_id),
        span_id=b"\0" * 7 + b"\1",
        name="llm",
        start_time_unix_nano=UNIX_NS + records.at(3.3),
        end_time_unix_nano=UNIX_NS + records.at(3.5),
        attributes=attributes(
            {
                "voiceload.component.name": "llm",
                "voiceload.component.source": "target_trace",
                "voiceload.component.latency": latency_s,
            }
        ),
    )
    own = batches_of(records.small_run(), records.RUN)
    sent = spans_batch([span], {"service.name": "bot"})
    return write_store(folder, [([*own, sent], True)])


def test_a_sound_run_leaves_with_0_and_every_check_is_told(tmp_path: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store_with(tmp_path, 0.2), "doctor")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"run {records.RUN}: ")
    assert "FAIL" not in ended.out
    assert [check for check in checks() if f" {check} " not in ended.out] == []


def test_a_failed_check_leaves_with_4_and_its_row_names_the_fault(
    tmp_path: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store_with(tmp_path, 0.0), "doctor", records.RUN, "-f", "json")
    rows = json.loads(ended.out)
    bad = [row for row in rows if row["verdict"] == "fail"]

    assert ended.code == 4
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [(row["check"], row["subject"]) for row in bad] == [
        ("components", "llm"),
        ("latencies", "llm from target_trace"),
    ]
    assert (bad[1]["checked"], bad[1]["faulty"]) == (1, 1)


ROW = ("clocks", "within the call", 9, 8, "fail", "off by 3 s", "their turns")


@pytest.mark.parametrize(("verdict", "code"), [("fail", 4), ("warn", 0)])
def test_only_a_failed_check_changes_the_code(
    verdict: str,
    code: int,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    found = Examined(COLUMNS, ((*ROW[:4], verdict, *ROW[5:]),))
    monkeypatch.setattr(doctor, "examined", lambda _reading, _run_id: found)

    ended = ovl(capsys, store, "doctor", "friday", "-f", "csv")

    assert ended.code == code
    assert list(csv.reader(io.StringIO(ended.out))) == [
        list(COLUMNS),
        ["clocks", "within the call", "9", "8", verdict, "off by 3 s", "their turns"],
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "nobody"),
        (("-f", "junit"), "choose one of text, json, csv, md"),
    ],
)
def test_what_can_not_be_examined_is_one_line_and_code_2(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "doctor", *words)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
