from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.store import spill
from otel_voiceload.store.keeping import KEPT_VIEWS, OF_THE_STORE
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, write_segment


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    later = records.run(tag="nightly", run_id="run-2", start_mono_ns=records.at(60))
    batches = batches_of(records.small_run(), records.RUN) + batches_of([later], "run-2")
    with open_store(write_segment(tmp_path / "runs.duckdb", batches)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("selector", "run_id"),
    [("latest", "run-2"), ("run-1", "run-1"), ("nightly", "run-2")],
)
def test_a_run_is_found_by_id_tag_and_age(reading: Reading, selector: str, run_id: str) -> None:
    assert reading.run_id(selector) == run_id


@pytest.mark.parametrize(
    ("selector", "says"),
    [("nothing", "has no run 'nothing'; the latest are: run-2, run-1"), ("run-", "Several runs")],
)
def test_a_run_that_is_not_there_is_answered_with_those_that_are(
    reading: Reading, selector: str, says: str
) -> None:
    with pytest.raises(StoreError, match=says):
        reading.run_id(selector)


def test_a_store_without_a_run_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    with open_store(tmp_path) as empty, pytest.raises(StoreError, match="holds no run yet"):
        empty.run_id("latest")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("drop table trace_runs", "DROP is not a SELECT"),
        ("select 1; select 2", "One SQL statement at a time"),
        ("selec 1", "can not be read|failed"),
        ("select * from nowhere", "The SQL failed"),
        ("copy (select 1) to '/tmp/x.csv'", "COPY is not a SELECT"),
        ("select * from read_csv('/etc/hostname')", "disabled"),
        ("attach 'x.duckdb'", "ATTACH is not a SELECT"),
    ],
)
def test_own_sql_only_reads_and_only_the_store(reading: Reading, sql: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        reading.sql(sql)


def test_own_sql_sees_all_runs_even_after_a_report_looked_at_one(reading: Reading) -> None:
    reading.prepare("run-1")
    assert reading.sql("select count(*) from runs").rows == ((2,),)
    reading.prepare("run-2")
    assert reading.sql("select count(*) from turns").rows == ((2,),)
    assert reading.query("run_ledger", run_id="run-2")[0]["turns"] == 0


def test_a_report_that_little_memory_is_too_little_for_gets_more(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = "select current_setting('memory_limit')"
    monkeypatch.setattr(spill, "LITTLE", "2MB")
    turns = reading.query("run_ledger", run_id="run-1")[0]["turns"]
    ((after,),) = reading._connection.execute(limit).fetchall()
    assert (turns, after) == (2, reading.sql(limit).rows[0][0])

    monkeypatch.setattr(spill, "HALF", "2MB")
    with pytest.raises(StoreError, match="Half of this machine's memory is too little"):
        reading.query("turn_samples", run_id="run-1")


def test_a_question_keeps_what_it_reads_and_no_more(reading: Reading) -> None:
    kept = "select list(table_name) from duckdb_tables() where temporary"
    ((calls, tables),) = reading.sql(f"select (select count(*) from calls), ({kept})").rows
    ((turns, more),) = reading.sql(f"select (select count(*) from turns), ({kept})").rows
    assert (calls, set(tables)) == (1, {"known_resources", "trace_runs", "calls"})
    assert turns == 2
    assert set(tables) < set(more) < {*OF_THE_STORE, *KEPT_VIEWS}


def test_which_runs_there_are_is_asked_once(reading: Reading) -> None:
    made = "select table_name, table_oid from duckdb_tables() where temporary"
    reading.run_id("latest")
    before = reading.sql(made).rows
    reading.prepare("run-1")
    reading.run_id("nightly")
    assert {str(name) for name, _ in before} == set(OF_THE_STORE)
    assert set(reading.sql(made).rows) == set(before)


@pytest.mark.parametrize("doubtful", [frozenset[int](), frozenset({0})], ids=["none", "one"])
def test_only_a_store_that_may_hold_duplicates_looks_for_them(
    tmp_path: Path, doubtful: frozenset[int]
) -> None:
    batches = batches_of(records.small_run(), records.RUN)
    path = write_segment(tmp_path / "run.duckdb", [*batches, *batches], doubtful=doubtful)
    views = "select count(*) from duckdb_views() where temporary and view_name = 'once_spans'"
    with open_store(path) as opened:
        opened.run_id("latest")
        assert opened.sql(views).rows == ((0 if doubtful else 1,),)
        spans, sent = opened.sql(
            "select count(*), max((select count(*) from raw_spans)) from otel_spans"
        ).rows[0]
        assert spans == (sent // 2 if doubtful else sent)


def test_rows_come_as_dicts_and_as_columns(reading: Reading) -> None:
    (row,) = reading.query("run_facts", run_id="run-2", unused=1)
    assert row["tag"] == "nightly"
    arrays = reading.arrays("turn_samples", run_id="run-1")
    assert arrays["latency_s"].tolist() == [1.0, 8.0]
    assert np.isnan(arrays["level_no"].astype(float)).any(), "a NULL number is NaN"


def test_a_time_window_leaves_out_other_turns(reading: Reading) -> None:
    split_ns = UNIX_NS + records.at(5)
    reading.prepare("run-1", since_ns=split_ns)
    assert reading.query("run_ledger", run_id="run-1")[0]["turns"] == 1
    reading.prepare("run-1")
    assert reading.query("run_ledger", run_id="run-1")[0]["turns"] == 2
