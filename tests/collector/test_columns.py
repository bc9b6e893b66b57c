import duckdb
import pytest

from ovl_collector import columns
from ovl_collector.segment_file import SegmentMaker

TABLES = {
    "spans": columns.SPANS,
    "metric_points": columns.METRIC_POINTS,
    "resources": columns.RESOURCES,
    "scopes": columns.SCOPES,
    "batches": columns.BATCHES,
    "losses": columns.LOSSES,
}


@pytest.mark.parametrize("table", TABLES)
def test_the_arrow_schema_is_the_tables(tmp_path, table):
    path = tmp_path / "segment-0001.duckdb"
    SegmentMaker(tmp_path, "r").make(path, 1, 1).close()
    with duckdb.connect(str(path), read_only=True) as connection:
        described = connection.execute(f"describe {table}").fetchall()
        empty = columns.from_rows(TABLES[table], [])
        given = connection.execute("describe select * from empty").fetchall()
    assert empty.num_rows == 0
    assert [row[:2] for row in given] == [row[:2] for row in described]
