"""One DuckDB file of a recording, from its creation to its checkpoint and close.

The file is attached to an in-memory database, since only ATTACH can ask for the older storage
version that DuckDB 1.5 opens. A new file gets its schema under a temporary name and is renamed when
complete, because a file whose creation was cut short can never be opened again. While it is open
nobody in this process may open it by other means: closing a second descriptor would silently give
up DuckDB's lock on it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from ovl_collector import __version__
from ovl_collector.files import sync_folder

SCHEMA_VERSION: Final = 1
STORAGE_VERSION: Final = "v1.5.0"
# A quarter of the default: every column takes a block, and seals make many small files.
_BLOCK_BYTES: Final = 65_536
_NAME: Final = "segment"  # of the attached database
# A checkpoint in the middle of ingestion stalls commits for up to seconds. Rotation bounds the
# write-ahead log instead, and the checkpoint happens once, on closing, in the background.
_NO_CHECKPOINT: Final = "1TB"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file says it is: DuckDB opens any file under any name."""

    recording: str
    number: int
    batches: int

    @property
    def words(self) -> str:
        return f"it is segment {self.number} of recording {self.recording}"


class SegmentFile:
    """An open segment. Used by one thread at a time: the writer, then the closer."""

    def __init__(self, path: Path, number: int) -> None:
        """Opens an existing file, replaying its write-ahead log. Raises duckdb.Error."""
        self.path = path
        self.number = number
        self._connection = _attached(path)
        self._readers: set[duckdb.DuckDBPyConnection] = set()
        self._reading = threading.Condition()
        self._closing = False
        try:
            self._read_state()
        except duckdb.Error:
            self._connection.close()
            raise

    def _read_state(self) -> None:
        fetch = self._connection.execute
        self.resource_ids = {
            row[0] for row in fetch("select resource_id from resources").fetchall()
        }
        self.scope_ids = {row[0] for row in fetch("select scope_id from scopes").fetchall()}
        self.spans = self._number("select count(*) from spans") or 0
        self.metric_points = self._number("select count(*) from metric_points") or 0
        self.identity = _identity(self._connection)
        self.batches = self.identity.batches
        self.losses = self._number("select count(*) from losses") or 0
        self.first_unix_ns = self._number("select min(received_unix_nano) from batches")
        self.last_unix_ns = self._number("select max(received_unix_nano) from batches")
        self.may_hold_duplicates = bool(
            self._number("select count(*) from batches where may_hold_duplicates")
        )

    def _number(self, query: str) -> int | None:
        row = self._connection.execute(query).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    @property
    def is_empty(self) -> bool:
        return self.batches == 0 and self.losses == 0

    def recent_hashes(self, limit: int) -> list[tuple[int, int]]:
        """(request_hash, batch_id) of the newest batches, oldest first."""
        return _hashes(self._connection, limit)

    def batch_ids_since(self, batch_id: int) -> set[int]:
        rows = self._connection.execute(
            "select batch_id from batches where batch_id >= ?", [batch_id]
        ).fetchall()
        return {row[0] for row in rows}

    def commit(self, tables: Mapping[str, pa.Table]) -> None:
        """Inserts all tables in one transaction; durable on return. Raises duckdb.Error.

        After an error the transaction may still have become durable (a full disk does that):
        the caller reopens the file and looks.
        """
        connection = self._connection
        connection.execute("begin transaction")
        for name, table in tables.items():
            # As a relation: a view registered for each table took as long as its rows.
            connection.from_arrow(table).insert_into(name)
        connection.execute("commit")

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """A cursor for another thread, beside the writer; None when the file is being closed."""
        with self._reading:
            cursor = None if self._closing else self._connection.cursor()
            if cursor is not None:
                self._readers.add(cursor)
        try:
            if cursor is not None:
                cursor.execute(f"use {_NAME}")
            yield cursor
        finally:
            if cursor is not None:
                cursor.close()
                with self._reading:
                    self._readers.discard(cursor)
                    self._reading.notify_all()

    def _send_readers_away(self) -> None:
        """A transaction that still reads would keep the file from being checkpointed."""
        with self._reading:
            self._closing = True
            while self._readers:
                for cursor in self._readers:
                    cursor.interrupt()
                self._reading.wait(0.05)

    def close(self) -> None:
        """Checkpoints and closes; the file stands alone afterwards. Raises duckdb.Error."""
        self._send_readers_away()
        try:
            _close_file(self._connection)
        finally:
            self._connection.close()

    def abandon(self) -> None:
        """Closes without writing anything, after an error."""
        self._send_readers_away()
        self._connection.close()


def read_hashes(path: Path, limit: int) -> list[tuple[int, int]]:
    """As ``recent_hashes``, of a sealed file that others may be reading."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return _hashes(connection, limit)


def read_identity(path: Path) -> Identity:
    """Of a sealed file that others may be reading. Raises duckdb.Error."""
    with duckdb.connect(str(path), read_only=True, config={"threads": "1"}) as connection:
        return _identity(connection)


def _identity(connection: duckdb.DuckDBPyConnection) -> Identity:
    rows = connection.execute(
        "select recording_id, segment_number, (select count(*) from batches) from meta"
    ).fetchall()
    return Identity(*rows[0]) if rows else Identity("unknown", 0, 0)


def _hashes(connection: duckdb.DuckDBPyConnection, limit: int) -> list[tuple[int, int]]:
    rows: list[tuple[int, int]] = connection.execute(
        "select request_hash, batch_id from (select * from batches where not is_resend "
        "order by batch_id desc limit ?) order by batch_id",
        [limit],
    ).fetchall()
    return rows


class SegmentMaker:
    """Makes new segment files. One in-memory database serves for all of them: starting one takes
    20 ms, and a rotation makes the senders wait."""

    def __init__(self, folder: Path, recording: str) -> None:
        self._folder = folder
        self._recording = recording
        self._connection: duckdb.DuckDBPyConnection | None = None

    def make(self, path: Path, number: int, now_unix_ns: int) -> SegmentFile:
        """Raises duckdb.Error or OSError, and leaves no file behind then."""
        temporary = path.with_name(path.name + ".tmp")
        remove_database(temporary)
        connection = self._connection or _in_memory(self._folder)
        self._connection = None
        try:
            attach_new(connection, temporary)
            connection.execute(schema())
            connection.execute(
                "insert into meta values (?, ?, ?, ?, ?)",
                [SCHEMA_VERSION, self._recording, number, now_unix_ns, __version__],
            )
            _close_file(connection)
        except duckdb.Error:
            connection.close()  # a failed write invalidates the whole database
            remove_database(temporary)
            raise
        self._connection = connection
        temporary.rename(path)
        sync_folder(path.parent)
        return SegmentFile(path, number)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def remove_database(path: Path) -> None:
    """Deletes a database file that nobody has open, and its write-ahead log."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _attached(path: Path) -> duckdb.DuckDBPyConnection:
    connection = _in_memory(path.parent)
    try:
        attach_new(connection, path)
        # Queries of others run in this database: they get at nothing but this file.
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _in_memory(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": "1",
            "memory_limit": "128MB",
            "temp_directory": str(folder / "spill"),
            "checkpoint_threshold": _NO_CHECKPOINT,
        },
    )
    connection.execute("pragma disable_checkpoint_on_shutdown")
    return connection


def attach_new(
    connection: duckdb.DuckDBPyConnection, path: Path, block_bytes: int = _BLOCK_BYTES
) -> None:
    """As ``segment``, in the storage version that DuckDB 1.5 opens; made when it is not there."""
    quoted = str(path).replace("'", "''")
    options = f"storage_version '{STORAGE_VERSION}', block_size {block_bytes}"
    connection.execute(f"attach '{quoted}' as {_NAME} ({options})")
    connection.execute(f"use {_NAME}")


def _close_file(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("use memory")
    connection.execute(f"checkpoint {_NAME}")
    connection.execute(f"detach {_NAME}")


def schema() -> str:
    """All tables of a segment, as SQL."""
    folder = resources.files("ovl_collector") / "schema"
    names = (folder / "_order").read_text().split()
    return "\n".join((folder / name).read_text() for name in names)
