"""The doctor's checks: each finds its own fault, counts it and says what is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.reports.doctor import Examined, checks, examined
from otel_voiceload.reports.render import doctor as words
from otel_voiceload.store.open import open_store
from otel_voiceload.telemetry.otlp import attributes
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_run, write_segment
from tests.store.records import at, identity

BOT = {"service.name": "bot"}
CALL = identity()


def target(
    number: int, start_s: float, latency_s: float, parent: int = 0, **values: object
) -> Span:
    """A span of the target's that says itself which component it is."""
    told: dict[str, Any] = {
        "voiceload.component.name": "llm",
        "voiceload.component.source": "target_trace",
        "voiceload.component.latency": latency_s,
        "voiceload.component.attempt": number,
    } | values
    return Span(
        trace_id=bytes.fromhex(CALL.trace_id),
        span_id=(number + 1).to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name="llm",
        start_time_unix_nano=UNIX_NS + at(start_s),
        end_time_unix_nano=UNIX_NS + at(start_s + 0.2),
        attributes=attributes(told),
    )


def found(tmp_path: Path, *spans: Span) -> Examined:
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch(spans, BOT, "otel_voiceload"),
    ]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        return examined(reading, records.RUN)


@pytest.mark.parametrize(
    ("spans", "check", "subject", "verdict", "says"),
    [
        ([target(0, 3.3, 0.0)], "latencies", "llm from target_trace", "fail", "1 of zero"),
        ([target(0, 3.3, -1.0)], "latencies", "llm from target_trace", "fail", "1 below zero"),
        ([target(0, 3.3, 0.2, parent=77)], "orphans", "parents", "fail", "parent never came"),
        ([target(0, 900.0, 0.2)], "clocks", "within the call", "fail", "off by"),
        (
            [
                target(0, 3.3, 0.2),
                target(1, 3.4, 0.2, **{"voiceload.component.attempt": 0}),
            ],
            "duplicates",
            "llm from target_trace",
            "fail",
            "1 accounts too many",
        ),
        ([target(0, 3.3, 0.2)], "joins", "trace", "ok", "certain"),
    ],
)
def test_a_fault_is_found_by_its_check(
    tmp_path: Path, spans: list[Span], check: str, subject: str, verdict: str, says: str
) -> None:
    result = found(tmp_path, *spans)
    rows = [row for row in result.rows if row[:2] == (check, subject)]
    assert [row[4] for row in rows] == [verdict]
    assert says in str(rows[0][5])
    text = words.render("r", result.rows)
    assert result.failed == ("checks failed" in text)


def test_every_check_of_the_issue_is_there() -> None:
    assert checks() == (
        "clocks",
        "components",
        "conversations",
        "duplicates",
        "joins",
        "latencies",
        "orphans",
        "sampling",
    )


def test_a_source_that_tells_nonsense_steps_back_behind_another(tmp_path: Path) -> None:
    in_band = {"voiceload.component.source": "in_band", "voiceload.turn.index": 0}
    spans = [target(number, 3.3 + number / 100, 0.0) for number in range(20)]
    spans.append(target(30, 3.3, 0.25, **in_band))
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch(spans, BOT, "otel_voiceload"),
    ]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        faulty = reading.query("faulty_components", run_id=records.RUN)
        sources = reading.sql(
            "select distinct source from component_spans where component = 'llm'"
            " and turn_index = 0 and call_id = $call",
            call=CALL.call_id,
        ).rows
    assert [(row["component"], row["source"]) for row in faulty] == [("llm", "target_trace")]
    assert sources == (("in_band",),)


def test_a_source_whose_attempts_were_refused_at_once_tells_no_nonsense(tmp_path: Path) -> None:
    refused = {"error.type": "rate_limited"}
    spans = [target(number, 3.3 + number / 100, 0.0, **refused) for number in range(20)]
    spans.append(target(30, 3.6, 0.25))
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch(spans, BOT, "otel_voiceload"),
    ]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        assert reading.query("faulty_components", run_id=records.RUN) == []


def verdicts(found: Examined, check: str) -> dict[object, tuple[object, object]]:
    return {row[1]: (row[4], row[5]) for row in found.rows if row[0] == check}


def test_a_component_that_nobody_timed_is_unobserved(tmp_path: Path) -> None:
    silent = replace(records.small_run()[3], components=())  # type: ignore[type-var]  # a turn
    run = [*records.small_run()[:3], silent, *records.small_run()[4:]]
    batches = [*batches_of(run, records.RUN), spans_batch([target(0, 3.3, 0.0)], BOT)]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        found = examined(reading, records.RUN)

    assert verdicts(found, "components") == {
        "llm": ("fail", "unobserved: no latency above zero"),
        "stt": ("fail", "unobserved: no timing at all"),
        "tts": ("fail", "unobserved: no timing at all"),
    }
    assert found.failed


def test_a_check_without_anything_to_look_at_is_not_called_well(tmp_path: Path) -> None:
    silent = replace(records.small_run()[3], components=())  # type: ignore[type-var]  # a turn
    run = [*records.small_run()[:3], silent, *records.small_run()[4:]]
    with open_store(write_run(tmp_path / "run.duckdb", run, records.RUN)) as reading:
        found = examined(reading, records.RUN)

    assert {row[0] for row in found.rows} == set(checks())
    for check in ("conversations", "duplicates", "sampling"):
        assert {verdict for verdict, _ in verdicts(found, check).values()} == {"unknown"}
    assert verdicts(found, "clocks")["within the call"][0] == "unknown"
    assert verdicts(found, "latencies") == {"turn": ("ok", ANY)}


def test_what_an_import_says_of_itself_is_no_orphan(tmp_path: Path) -> None:
    """An export that comes back to its own run leaves the import without one."""
    said = Span(trace_id=bytes(15) + b"i", span_id=bytes(7) + b"i", name="import")
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch([said], {"service.name": "ovl-import"}),
    ]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        (spans,) = reading.sql(
            "select count(*) from otel_spans where service_name = 'ovl-import'"
        ).rows
        assert spans == (1,), "nothing is tested here"
        assert verdicts(examined(reading, records.RUN), "orphans")["runs"][0] == "ok"


def test_one_source_of_nonsense_does_not_stand_in_for_another(tmp_path: Path) -> None:
    in_band = {"voiceload.component.source": "in_band", "voiceload.turn.index": 0}
    spans = [target(number, 3.3 + number / 100, 0.0) for number in range(20)]
    spans += [target(30 + number, 3.3 + number / 100, 0.0, **in_band) for number in range(20)]
    batches = [
        *batches_of(records.small_run(), records.RUN),
        spans_batch(spans, BOT, "otel_voiceload"),
    ]
    with open_store(write_segment(tmp_path / "run.duckdb", batches)) as reading:
        faulty = reading.query("faulty_components", run_id=records.RUN)

    assert [(row["source"], row["instead"]) for row in faulty] == [
        ("in_band", None),
        ("target_trace", None),
    ]
