from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb
import pytest

from otel_voiceload.store import attach, bound, catalogue

SQL = "select view_name, sql from duckdb_views() where not internal and not temporary"
COLUMNS = """
select table_name, list((column_name, data_type) order by column_index)
from duckdb_columns() where not internal group by all
"""
View = tuple[list[str], list[tuple[str, str]]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files go."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "otel-voiceload"


@pytest.fixture
def few(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with the first views only, as all of them take their time."""
    files = catalogue.view_files()[:4]
    monkeypatch.setattr(catalogue, "view_files", lambda: files)
    return folder


def views(cached: bool = True) -> dict[str, View]:
    """Every view over an empty store by its name: its words, sorted, and its columns.

    DuckDB writes the names after ``exclude`` in another order each time.
    """
    with duckdb.connect() as connection:
        attach.make_views(connection, [])
        databases = connection.execute("select database_name from duckdb_databases()").fetchall()
        assert ((bound.ALIAS,) in databases) is cached
        columns = dict(connection.execute(COLUMNS).fetchall())
        return {
            name: (sorted(re.findall(r"\w+", sql)), columns[name])
            for name, sql in connection.execute(SQL).fetchall()
        }


def test_views_out_of_the_file_are_those_that_were_created(folder: Path) -> None:
    folder.write_text("a file in the place of the folder")
    created = views(cached=False)
    folder.unlink()

    assert views() == views() == created
    assert len(created) > len(catalogue.view_files())
    (file,) = folder.iterdir()
    assert file.name.startswith("views-")


def test_the_folder_is_for_nobody_else(few: Path) -> None:
    views()

    assert few.stat().st_mode & 0o077 == 0


def test_a_file_that_can_not_be_read_costs_time_and_no_answer(few: Path) -> None:
    created = views()
    (file,) = few.iterdir()
    file.write_bytes(b"no database at all, but long enough to be looked at")

    assert views(cached=False) == created


def test_other_columns_below_are_another_file(few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    views()
    more = attach.EMPTY["scopes"] + ", '' as colour"
    monkeypatch.setitem(attach.EMPTY, "scopes", more)
    views()

    assert len(list(few.iterdir())) == 2


def test_the_oldest_files_go(few: Path) -> None:
    few.mkdir()
    for age in range(20):
        old = few / f"views-{age:02}.duckdb"
        old.touch()
        os.utime(old, (1000 - age, 1000 - age))
    views()

    left = {each.name for each in few.iterdir()}
    assert len(left) == 8
    assert {f"views-{age:02}.duckdb" for age in range(7)} < left


def test_a_cursor_has_to_be_told(few: Path) -> None:
    with duckdb.connect() as connection:
        attach.make_views(connection, [])
        cursor = connection.cursor()
        bound.look(cursor)

        assert cursor.execute("select count(*) from trace_runs").fetchall() == [(0,)]
