import duckdb
import pytest

from ovl_collector.columns import LOSSES, from_rows
from ovl_collector.segment_file import (
    SCHEMA_VERSION,
    SegmentFile,
    SegmentMaker,
    read_hashes,
    remove_database,
)

from .stores import query

ROW = (1, "traces", "disk", 2, None)


def make(tmp_path):
    path = tmp_path / "segment-0001.duckdb"
    maker = SegmentMaker(tmp_path, "it's r")
    segment = maker.make(path, 1, 9)
    maker.close()
    return segment


def test_a_new_file_says_what_it_is_and_stands_alone_when_closed(tmp_path):
    segment = make(tmp_path)
    assert segment.is_empty
    segment.commit({"losses": from_rows(LOSSES, [ROW])})
    assert (tmp_path / "segment-0001.duckdb.wal").exists()
    segment.close()
    assert [path.name for path in tmp_path.iterdir()] == ["segment-0001.duckdb"]
    assert query(segment.path, "select * exclude collector_version from meta") == [
        (SCHEMA_VERSION, "it's r", 1, 9)
    ]
    assert query(segment.path, "from losses") == [ROW]


def test_the_file_has_the_storage_version_of_duckdb_1_5(tmp_path):
    make(tmp_path).close()
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{tmp_path}/segment-0001.duckdb' as s (read_only)")
        tags = connection.execute(
            "select tags from duckdb_databases() where database_name = 's'"
        ).fetchall()
    assert "v1.5.0" in str(tags[0][0]["storage_version"])


def test_a_path_with_a_quote_is_no_sql(tmp_path):
    folder = tmp_path / "it's"
    folder.mkdir()
    make(folder).close()
    assert (folder / "segment-0001.duckdb").exists()


def test_what_a_dead_process_left_in_the_log_is_there_on_opening(tmp_path):
    segment = make(tmp_path)
    segment.commit({"losses": from_rows(LOSSES, [ROW, ROW])})
    segment.abandon()
    reopened = SegmentFile(segment.path, 1)
    assert reopened.losses == 2
    assert not reopened.is_empty
    reopened.close()


def test_an_error_in_one_table_leaves_nothing_of_the_transaction(tmp_path):
    segment = make(tmp_path)
    good = from_rows(LOSSES, [ROW])
    with pytest.raises(duckdb.Error):
        segment.commit({"losses": good, "spans": good})
    segment.abandon()
    assert query(segment.path, "select count(*) from losses") == [(0,)]


def test_a_creation_that_was_cut_short_is_started_anew(tmp_path):
    (tmp_path / "segment-0001.duckdb.tmp").write_bytes(b"half a file")
    make(tmp_path).close()
    assert [path.name for path in tmp_path.iterdir()] == ["segment-0001.duckdb"]


def test_one_maker_makes_many_files_and_recovers_from_an_error(tmp_path):
    maker = SegmentMaker(tmp_path, "r")
    for number in (1, 2):
        maker.make(tmp_path / f"{number}.duckdb", number, 9).close()
    with pytest.raises(duckdb.Error):
        maker.make(tmp_path / "missing" / "3.duckdb", 3, 9)
    maker.make(tmp_path / "4.duckdb", 4, 9).close()
    maker.close()
    assert query(tmp_path / "4.duckdb", "select segment_number from meta") == [(4,)]


def test_a_database_is_removed_with_its_log(tmp_path):
    segment = make(tmp_path)
    segment.commit({"losses": from_rows(LOSSES, [ROW])})
    segment.abandon()
    remove_database(segment.path)
    assert list(tmp_path.iterdir()) == []


def test_hashes_of_a_sealed_file_can_be_read(tmp_path):
    make(tmp_path).close()
    assert read_hashes(tmp_path / "segment-0001.duckdb", 10) == []


def test_what_could_not_be_made_leaves_nothing_behind(tmp_path, monkeypatch):
    """As on a full disk; the end of a recording would else have a file that nobody lists."""
    monkeypatch.setattr("ovl_collector.segment_file.schema", lambda: "create table t; no sql")
    with pytest.raises(duckdb.Error):
        make(tmp_path)
    assert list(tmp_path.iterdir()) == []
