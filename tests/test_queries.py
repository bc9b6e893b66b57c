"""Every named query: runs on an empty store and on a small run, and says the columns it gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from otel_voiceload.store import catalogue
from otel_voiceload.store.attach import ROLLED_UP, TABLES
from otel_voiceload.store.keeping import KEPT_VIEWS
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from tests.store import records
from tests.store.builder import write_run

PARAMETERS: dict[str, object] = {
    "run_id": records.RUN,
    "of_run": records.RUN,
    "marked": [],
    "knee_calls": 24.0,
    "component": "llm",
    "attribute": "voiceload.scenario.name",
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    folder = tmp_path_factory.mktemp("store")
    (folder / "recordings").mkdir()
    with open_store(folder) as reading:
        yield reading


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    path = tmp_path_factory.mktemp("run") / "run.duckdb"
    with open_store(write_run(path, records.small_run(), records.RUN)) as reading:
        yield reading


@pytest.mark.parametrize("name", list(catalogue.catalogue()))
def test_a_query_gives_the_columns_it_declares(name: str, empty: Reading, small: Reading) -> None:
    declared = catalogue.find(name).columns
    assert empty.table(name, **PARAMETERS).columns == declared
    assert small.table(name, **PARAMETERS).columns == declared


@pytest.mark.parametrize("name", list(catalogue.catalogue()))
def test_a_query_reads_what_it_says_it_reads(name: str) -> None:
    query = catalogue.find(name)
    body = "\n".join(line for line in query.sql.splitlines() if not line.startswith("--"))
    views = {path.stem for path in catalogue.view_files()} - {"@mappings"} | {"mapped"}
    views |= {f"raw_{table}" for table in TABLES} | {f"raw_rollup_{table}" for table in ROLLED_UP}
    for view in query.reads:
        assert view in views, f"{name}.sql says it reads {view}, which is no view"
        assert view in body, f"{name}.sql says it reads {view}, and does not"


@pytest.mark.parametrize("path", list(catalogue.queries_folder().rglob("*.sql")), ids=str)
def test_a_sql_file_fits_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 200, f"{path} is too long"


def test_every_view_that_is_kept_is_a_view() -> None:
    assert set(KEPT_VIEWS) <= {path.stem for path in catalogue.view_files()}


def test_parameters_are_those_that_duckdb_finds() -> None:
    with duckdb.connect() as connection:
        for query in catalogue.catalogue().values():
            (statement,) = connection.extract_statements(query.sql)
            assert query.parameters == set(statement.named_parameters), query.name
