from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from otel_voiceload.errors import StoreError
from otel_voiceload.store import attach
from tests.store.builder import write_segment

SCHEMA = Path(__file__).parents[2] / "collector" / "ovl_collector" / "schema"


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_text("not a database at all, but long enough to be looked at")
    with pytest.raises(StoreError, match=r"notes\.duckdb can not be opened"):
        attach.attach(duckdb.connect(), path, "x")


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(path) as theirs:
        theirs.execute("create table t (i int)")
    with pytest.raises(StoreError, match="no recording of ours"):
        attach.attach(duckdb.connect(), path, "x")


def test_a_layout_of_another_version_is_refused_and_never_misread(tmp_path: Path) -> None:
    path = write_segment(tmp_path / "run.duckdb", [])
    with duckdb.connect(path) as ours:
        ours.execute("update meta set schema_version = 99")
    with pytest.raises(StoreError, match="has layout 99, this version reads 1"):
        attach.attach(duckdb.connect(), path, "x")


@pytest.mark.parametrize("table", attach.TABLES)
def test_the_empty_stand_in_has_the_columns_that_the_collector_writes(table: str) -> None:
    with duckdb.connect() as connection:
        connection.execute((SCHEMA / f"{table}.sql").read_text())
        written = connection.execute(f"describe {table}").fetchall()
        empty = connection.execute(f"describe {attach.EMPTY[table]}").fetchall()
    assert [(row[0], row[1]) for row in empty] == [(row[0], row[1]) for row in written]


def test_fewer_rows_than_were_acknowledged_are_counted(tmp_path: Path) -> None:
    connection = duckdb.connect()
    path = write_segment(tmp_path / "segment-0001.duckdb", [])
    segment = attach.attach(connection, path, "x")
    assert attach.missing(connection, segment, (0, 0)) is None
    note = attach.missing(connection, segment, (5, 2))
    assert note is not None
    assert note.startswith("7 spans or metric points that were acknowledged are missing")
