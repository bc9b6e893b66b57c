from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from otel_voiceload.errors import StoreError
from otel_voiceload.store import attach, catalogue, locate
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


@pytest.mark.parametrize("table", attach.ROLLED_UP)
def test_the_empty_stand_in_of_cells_has_the_columns_that_retention_writes(table: str) -> None:
    with duckdb.connect() as connection:
        connection.execute((SCHEMA.parent / "rollup_sql" / "tables.sql").read_text())
        written = connection.execute(f"describe rollup_{table}").fetchall()
        empty = connection.execute(f"describe {attach.ROLLED_UP[table]}").fetchall()
    assert [(row[0], row[1]) for row in empty] == [(row[0], row[1]) for row in written]


def test_a_mapping_reads_the_scopes_that_it_names_and_no_others() -> None:
    for path in catalogue.mapping_files():
        text = path.read_text()
        read = re.findall(r"\bscope_name (?:=|in) ?\(?((?:'[^']+'(?:, )?)+)", text)
        named = re.match(r"-- scopes: (.+)\n", text)
        if named is not None:
            assert set(named[1].split(", ")) == set(re.findall(r"'([^']+)'", " ".join(read))), path


def test_a_mapping_that_finds_nothing_is_left_out_and_no_column_with_it() -> None:
    with duckdb.connect() as connection:
        attach.make_views(connection, [])
        used = connection.execute(
            "select sql from duckdb_views() where view_name = 'mapped_spans' and not temporary"
        ).fetchall()
        mapped = connection.execute("describe mapped").fetchall()
        names = [f"mapping_{path.stem}" for path in catalogue.mapping_files()]
        union = " union all by name ".join(f"from {name}" for name in names)
        every = connection.execute(f"describe {union}").fetchall()
    assert "mapping_voiceload" in used[0][0]
    assert "mapping_pipecat" not in used[0][0]
    assert {row[:2] for row in mapped} == {row[:2] for row in every}


def test_fewer_rows_than_were_acknowledged_are_counted(tmp_path: Path) -> None:
    connection = duckdb.connect()
    path = write_segment(tmp_path / "segment-0001.duckdb", [])
    segment = attach.attach(connection, path, "x")
    found = attach.held(connection, segment)
    assert attach.missing(segment, found, (0, 0)) is None
    note = attach.missing(segment, found, (5, 2))
    assert note is not None
    assert note.startswith("7 spans or metric points that were acknowledged are missing")


WHOLE = attach.Held(2, 10, 4, 10, 4, 0, 0)
ROLLED = attach.Held(2, 3, 1, 10, 4, 7, 3)


@pytest.mark.parametrize(
    ("found", "counts", "says"),
    [
        (WHOLE, locate.Counts(2, 10, 4, False), None),
        (WHOLE, None, None),
        (ROLLED, locate.Counts(2, 3, 1, True), None),
        (ROLLED, locate.Counts(2, 10, 4, False), None),  # killed before the manifest was written
        (
            WHOLE,
            locate.Counts(3, 12, 4, False),
            "10 spans of 2 batches and the manifest says 12 of",
        ),
        (WHOLE, locate.Counts(2, 3, 1, True), "the manifest says 3 of 2"),
        (attach.Held(2, 9, 4, 10, 4, 0, 0), None, "holds 9 spans and its own ledger says 10"),
    ],
)
def test_a_file_is_held_against_its_manifest_line_and_its_own_ledger(
    found: attach.Held, counts: locate.Counts | None, says: str | None
) -> None:
    listed = locate.Segment(Path("segment-0001.duckdb"), 1, counts is None, counts)
    sentence = attach.contradiction(attach.Attached("x", "r", listed.path, 1), found, "r", listed)
    assert (sentence is None) is (says is None)
    assert says is None or says in str(sentence)


@pytest.mark.parametrize(("recording", "number"), [("other", 1), ("r", 2)])
def test_a_segment_of_another_place_is_told_by_its_meta(recording: str, number: int) -> None:
    listed = locate.Segment(Path("segment-0001.duckdb"), 1, True)
    attached = attach.Attached("x", recording, listed.path, number)
    sentence = attach.contradiction(attached, WHOLE, "r", listed)
    assert sentence is not None
    assert f"it is segment {number} of recording {recording}" in sentence
