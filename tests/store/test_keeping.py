"""Reports and people's own SQL find the same figures, whichever way they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.model import Record
from otel_voiceload.store import keeping
from otel_voiceload.store.keeping import Kept
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.otlp import attributes
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_segment

# What reports ask of turns and of work, one figure a column that coding might change.
TURNS = """
select run_id::varchar, name, turn_index, response_latency_s, censored, unattributed_s,
    cycle_s, held_up
from turn_facts join call_names using (call_id) order by all
"""
WORK = """
select name, turn_index, component::varchar, source::varchar, latency_s, self_s,
    attempts, failed_attempts, served
from component_turns join call_names using (call_id) order by all
"""


def opened(tmp_path: Path, batches: Sequence[Batch]) -> Reading:
    return open_store(write_segment(tmp_path / "run.duckdb", batches))


def kept_for(reading: Reading, *views: str, runs: Sequence[str] = (records.RUN,)) -> Kept:
    """What a report of these runs finds, on the connection of a Reading."""
    kept = Kept(reading._connection)
    kept.ask_about(runs)
    kept.ensure(" ".join(views))
    return kept


def rows(reading: Reading, sql: str) -> list[tuple[object, ...]]:
    return reading._connection.execute(sql).fetchall()


def names(reading: Reading, what: str) -> set[object]:
    """What there is of the kept: tables, views or types."""
    column = {"tables": "table_name", "views": "view_name", "types": "type_name"}[what]
    inside = "database_name = 'temp' and not internal"
    return {row[0] for row in rows(reading, f"select {column} from duckdb_{what}() where {inside}")}


def type_of(reading: Reading, table: str, column: str) -> str:
    sql = (
        "select data_type from duckdb_columns() where database_name = 'temp'"
        f" and table_name = '{table}' and column_name = '{column}'"
    )
    return str(rows(reading, sql)[0][0]).partition("(")[0]


def busy_run() -> list[Record]:
    """Two calls: an attempt that failed and one given up, work in and out of order, a lone turn."""
    first, second = records.identity(1), records.identity(2)
    part = records.component
    return [
        *records.small_run()[:2],
        records.call_start(first, 1),
        records.turn(
            first, 0, 3.0, 4.0,
            part("stt", 3.1, 3.2, 3.2),
            part("llm", 3.2, None, 3.3, error_type="rate_limit"),
            part("llm", 3.3, 3.6, 3.9, attempt=1),
            part("tts", 3.6, 3.9, 4.4),
        ),
        records.turn(first, 1, 7.0, None),
        records.call(first, 1, 16),
        records.call_start(second, 2),
        # Text to speech that began before the model had a word, and a pause taken for the end.
        records.turn(
            second, 0, 5.0, 6.5,
            part("tts", 5.1, 6.2, 6.6),
            part("llm", 5.2, 5.6, 5.9, error_type="cancelled"),
            part("llm", 5.4, 6.0, 6.2),
            part("network", 5.0, 5.1, 5.1),
            part("network", 6.2, 6.5, 6.5, attempt=1),
        ),
        records.turn(second, 1, 10.0, 10.8, part("llm", 10.1, 10.6, 10.7)),
        records.call(second, 2, 20),
    ]  # fmt: skip


def work_of_nobody() -> Batch:
    """The work of a call of which nothing else is known: neither its span nor one of its turns."""
    turn = records.turn(
        records.identity(7), 0, 12.0, 13.0, records.component("llm", 12.1, 12.5, 12.9)
    )
    (batch,) = batches_of([turn], records.RUN)
    request = ExportTraceServiceRequest.FromString(batch.body)
    for scope in request.resource_spans[0].scope_spans:
        kept = [span for span in scope.spans if span.name != "turn"]
        del scope.spans[:]
        scope.spans.extend(kept)
    return Batch("traces", request.SerializeToString(), len(kept))


def span_of_the_target() -> Batch:
    """What a target says of itself: its place among the turns has to be looked for."""
    begin_ns = UNIX_NS + records.at(3.2)
    span = Span(
        trace_id=bytes.fromhex(records.identity(1).trace_id),
        span_id=bytes(range(8)),
        name="llm",
        start_time_unix_nano=begin_ns,
        end_time_unix_nano=begin_ns + 300_000_000,
        attributes=attributes(
            {"voiceload.component.name": "llm", "voiceload.component.source": "target_trace"}
        ),
    )
    return spans_batch([span], {"service.name": "agent"})


CASES: dict[str, list[Batch]] = {
    "a usual run": batches_of(records.small_run(), records.RUN),
    "work in disorder": batches_of(busy_run(), records.RUN),
    "work of an unknown call": [*batches_of(busy_run(), records.RUN), work_of_nobody()],
    "a target that traces": [*batches_of(busy_run(), records.RUN), span_of_the_target()],
    "a run with a quote": batches_of(
        [replace(each, run_id="o'clock") for each in records.small_run()[:1]]
        + records.small_run()[1:],
        "o'clock",
    ),
}


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    with opened(tmp_path, CASES["work in disorder"]) as found:
        yield found


@pytest.mark.parametrize("case", CASES)
def test_reports_and_own_sql_find_the_same_figures(tmp_path: Path, case: str) -> None:
    run = "o'clock" if "quote" in case else records.RUN
    with opened(tmp_path, CASES[case]) as reading:
        kept = kept_for(reading, "turn_facts", "component_turns", "call_names", runs=[run])
        coded = [rows(reading, sql) for sql in (TURNS, WORK)]
        kept.ask_all()
        kept.ensure("turn_facts component_turns call_names")
        assert [rows(reading, sql) for sql in (TURNS, WORK)] == coded
        assert all(coded)


def test_ids_are_coded_for_reports_and_texts_for_own_sql(reading: Reading) -> None:
    kept = kept_for(reading, "component_turns")
    coded = [
        ("turn_facts", "call_id"),
        ("component_disorder", "run_id"),
        ("component_work", "source"),
    ]
    assert [type_of(reading, *each) for each in coded] == ["INTEGER", "ENUM", "ENUM"]
    kept.ask_all(records.RUN)
    kept.ensure("component_turns turns component_observations")
    for table, column in (*coded[:2], ("turns", "call_id"), ("component_observations", "source")):
        assert type_of(reading, table, column) == "VARCHAR"


def test_calls_are_numbers_in_the_order_of_their_names(reading: Reading) -> None:
    kept_for(reading, "component_turns", "call_names", "turn_said")
    named = "select name from call_names order by call_id"
    ids = [(records.identity(index).call_id,) for index in (1, 2)]
    assert rows(reading, named) == sorted(ids)
    for view in ("calls", "turn_facts", "component_turns", "turn_said"):
        assert rows(reading, f"select distinct call_id from {view} order by 1") == [(1,), (2,)]


def test_words_of_work_are_coded_unless_there_are_very_many(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_for(reading, "component_turns").release()
    monkeypatch.setattr(keeping, "_MOST_WORDS", 1)
    kept_for(reading, "component_turns")
    assert names(reading, "types") == {"run_code", "source_code"}
    assert type_of(reading, "component_work", "component") == "VARCHAR"


@pytest.mark.parametrize(
    ("case", "looked_for"), [("work in disorder", False), ("a target that traces", True)]
)
def test_places_are_looked_for_only_where_work_does_not_say_its_own(
    tmp_path: Path, case: str, looked_for: bool
) -> None:
    with opened(tmp_path, CASES[case]) as reading:
        kept_for(reading, "component_turns")
        assert ("placed_observations" in names(reading, "views")) is not looked_for
        (found,) = rows(reading, "select count(*) from placed_observations")
        assert found == (1 if looked_for else 0,)


def test_a_turn_that_was_told_twice_is_one_turn(tmp_path: Path) -> None:
    later = records.turn(records.identity(1), 0, 3.5, 5.0)  # under the same number
    told = [*batches_of(busy_run(), records.RUN), *batches_of([later], records.RUN)]
    with opened(tmp_path, told) as reading:
        kept = kept_for(reading, "turn_facts", "call_names")
        coded = rows(reading, TURNS)
        assert "turn_records" not in names(reading, "views"), "each turn is looked at once more"
        kept.ask_all()
        kept.ensure("turn_facts call_names")
        assert rows(reading, TURNS) == coded
        assert len(coded) == 4


def test_only_what_was_asked_is_kept_and_it_is_kept_until_others_are_asked_about(
    reading: Reading,
) -> None:
    kept = kept_for(reading, "calls")
    first = names(reading, "tables")
    made = "select table_oid from duckdb_tables() where temporary and table_name = 'calls'"
    before = rows(reading, made)
    kept.ask_about([records.RUN])
    kept.ensure("calls turn_facts")
    assert rows(reading, made) == before, "the same run: nothing is made anew"
    assert {"calls", "turn_heads"} - first == {"turn_heads"}
    assert "turn_heads" in names(reading, "tables")
    kept.release()
    assert names(reading, "tables") <= set(keeping.OF_THE_STORE)
    assert names(reading, "views") == {"once_spans", "placed_observations"}
    assert names(reading, "types") == set()


def test_a_window_of_time_cuts_turns_and_leaves_calls(reading: Reading) -> None:
    kept = Kept(reading._connection)
    kept.ask_about([records.RUN], (UNIX_NS + records.at(6), UNIX_NS + records.at(9)))
    kept.ensure("turn_facts calls")
    assert rows(reading, "select turn_index, start_ns from turn_facts") == [
        (1, UNIX_NS + records.at(7))
    ]
    assert rows(reading, "select count(*) from calls") == [(2,)]


def test_wide_views_are_tables_only_when_somebody_names_them(reading: Reading) -> None:
    kept = Kept(reading._connection)
    kept.ask_all()
    kept.ensure("curve")
    assert names(reading, "tables").isdisjoint(keeping.ON_DEMAND)
    kept.ensure("turns component_spans component_turns")
    assert {"turns", "component_spans", "component_turns"} <= names(reading, "tables")
    assert rows(reading, "select count(*) from turns") == [(4,)]


def test_no_run_to_ask_about_changes_nothing(reading: Reading) -> None:
    kept = kept_for(reading, "calls")
    kept.ask_about([])
    assert kept.is_about(records.RUN)
    assert not kept.is_about("another")
    assert "calls" in names(reading, "tables")
