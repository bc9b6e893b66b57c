from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import orjson
import pyarrow.parquet as parquet
import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.reports import copies
from otel_voiceload.store.open import open_run, open_store
from tests.reports.samples import PLANTED


def spans_in(store: Path) -> int:
    with open_store(store) as reading:
        rows = reading.sql("select count(*) from otel_spans where run_id = $r", r=PLANTED).rows
    return int(str(rows[0][0]))


def test_the_duckdb_copy_answers_as_the_store_does(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.duckdb"
    assert copies.write(store, "friday", path, "duckdb", "turns") == PLANTED

    with open_store(store) as reading:
        there = reading.query("turn_share", run_id=PLANTED)
    copy, run_id = open_run(str(path))
    with copy:
        here = copy.query("turn_share", run_id=run_id)

    assert run_id == PLANTED
    assert [row["component"] for row in here] == [row["component"] for row in there]
    assert [row["mean_s"] for row in here] == pytest.approx([row["mean_s"] for row in there])
    assert spans_in(path) == spans_in(store)


def test_the_duckdb_copy_holds_one_run_and_tables_that_anybody_can_ask(
    store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run.duckdb"
    copies.write(store, PLANTED, path, "duckdb", "turns")

    with duckdb.connect(str(path), read_only=True) as plain:
        runs = plain.execute("select distinct run_id from turns").fetchall()
        columns = [row[0] for row in plain.execute("describe component_spans").fetchall()]

    assert runs == [(PLANTED,)]
    assert {"call_id", "component", "latency_s"} <= set(columns)


def test_the_otlp_lines_hold_every_span_once(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    copies.write(store, PLANTED, path, "otlp", "turns")
    ids = [
        (span["traceId"], span["spanId"])
        for line in path.read_bytes().splitlines()
        for resource in orjson.loads(line).get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]

    assert len(ids) == len(set(ids)) == spans_in(store)


def test_parquet_and_csv_hold_the_view_of_that_run(store: Path, tmp_path: Path) -> None:
    copies.write(store, PLANTED, tmp_path / "c.parquet", "parquet", "calls")
    copies.write(store, PLANTED, tmp_path / "c.csv", "csv", "calls")
    table = parquet.read_table(tmp_path / "c.parquet")
    rows = list(csv.DictReader((tmp_path / "c.csv").open()))

    assert set(table.column("run_id").to_pylist()) == {PLANTED}
    assert len(rows) == table.num_rows > 20


def test_a_broken_export_leaves_no_file(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no view is called"):
        copies.write(store, PLANTED, tmp_path / "x.csv", "csv", "nonsense")
    with pytest.raises(UsageError, match="no folder"):
        copies.write(store, PLANTED, tmp_path / "nowhere" / "x.csv", "csv", "turns")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.duckdb", "duckdb"), ("a.jsonl", "otlp"), ("a.parquet", "parquet"), ("a.csv", "csv")],
)
def test_the_name_says_what_to_write(name: str, kind: str) -> None:
    assert copies.kind_of(Path(name)) == kind


def test_a_name_that_says_nothing_is_asked_about() -> None:
    with pytest.raises(UsageError, match="--as"):
        copies.kind_of(Path("run.zip"))
