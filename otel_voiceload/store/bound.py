"""Bound views: a file in which every view stands with the columns that DuckDB found for it once.

To create a view DuckDB binds all that it reads, and for all views together that takes a quarter of
a second, at each opening of a store, which is more than most questions take. A view that comes out
of a file is bound only when somebody asks it. So the first to open a store leaves such a file in
the folder for caches, and whoever comes next attaches it. It holds no data. What it depends on is
its name, so that it is never out of date; where it can not be written or read, views are created
as ever.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import duckdb

ALIAS = "bound_views"
_COLUMNS = """
select table_name, column_name, data_type from duckdb_columns()
where database_name = current_database() and table_name like 'raw\\_%' escape '\\'
order by table_name, column_index
"""
_KEPT = 8  # files: of other versions and of stores with spans of others

Columns = list[tuple[str, ...]]  # table, name, type
Create = Callable[[duckdb.DuckDBPyConnection], None]


def attach_views(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[Path],
    mappings: Sequence[str],
    create: Create,
) -> bool:
    """Puts the views of these files over the ``raw_`` views that are there.

    ``create`` makes them on a connection that has empty tables in place of the raw views, with the
    ``mappings`` of these names in use. False when there is no file of them to have.
    """
    raw = connection.execute(_COLUMNS).fetchall()
    try:
        path = _folder() / f"views-{_key(raw, files, mappings)}.duckdb"
        if not path.is_file():
            _write(path, raw, create)
        quoted = str(path).replace("'", "''")
        connection.execute(f"attach '{quoted}' as {ALIAS} (read_only)")
    except (OSError, RuntimeError, duckdb.Error):
        return False
    look(connection)
    return True


def look(connection: duckdb.DuckDBPyConnection) -> None:
    """Names mean what the connection's own database has, then the views of the file, if any.

    For cursors, which begin without what their connection was told.
    """
    databases = "select current_database(), database_name from duckdb_databases()"
    found = connection.execute(databases).fetchall()
    if any(name == ALIAS for _, name in found):
        connection.execute(f"set search_path = '{found[0][0]}.main,{ALIAS}.main'")


def _folder() -> Path:
    """Readable for nobody else: what lies there is executed."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache) / "otel-voiceload"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _key(raw: Columns, files: Iterable[Path], mappings: Sequence[str]) -> str:
    texts = [path.read_text() if path.is_file() else path.name for path in files]
    everything = repr((duckdb.__version__, raw, mappings, texts))
    return hashlib.sha256(everything.encode()).hexdigest()[:16]


def _write(path: Path, raw: Columns, create: Create) -> None:
    """Whole or not at all: several may come first at once."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        with duckdb.connect(part) as connection:
            tables: dict[str, list[str]] = {}
            for table, column, kind in raw:
                tables.setdefault(table, []).append(f'"{column}" {kind}')
            for table, columns in tables.items():
                connection.execute(f"create table {table} ({', '.join(columns)})")
            create(connection)
            for table in tables:
                connection.execute(f"drop table {table}")
            connection.execute("checkpoint")  # raises, as closing does not
        part.replace(path)
    others = sorted(path.parent.glob("views-*.duckdb"), key=lambda each: each.stat().st_mtime_ns)
    for old in others[:-_KEPT]:
        old.unlink(missing_ok=True)
