"""Spill: a database to read with, and where it puts what does not fit into memory.

DuckDB's own choice is `.tmp` in the folder where somebody happens to stand, and four fifths of the
machine's memory before it writes anything there. A report is often made beside a generator and a
collector that still run, so half has to do, and of a large machine a part that leaves the whole
process below 2 GB. The rest goes to the system's folder for passing files (`TMPDIR`), readable for
nobody else, and is gone with the connection.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from typing import Final

import duckdb

MEMORY_SHARE: Final = "50%"
MOST_BYTES: Final = 1_000_000_000  # beside it stand what DuckDB does not count, Python and numpy
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


def connect() -> duckdb.DuckDBPyConnection:
    """A new database in memory. Where no file may be made, it has to do with memory alone."""
    try:
        folder = tempfile.mkdtemp(prefix="ovl-spill-")
    except OSError:
        folder = ""
    connection = duckdb.connect(config={"memory_limit": MEMORY_SHARE, "temp_directory": folder})
    if folder:
        weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
        if memory_bytes(connection) > MOST_BYTES:
            connection.execute(f"set memory_limit = '{MOST_BYTES}B'")
    return connection


def memory_bytes(connection: duckdb.DuckDBPyConnection) -> float:
    """The limit as DuckDB says it, to a tenth of its unit: "11.6 GiB"."""
    ((said,),) = connection.execute("select current_setting('memory_limit')").fetchall()
    number, unit = str(said).split()
    return float(number) * 1024.0 ** _UNITS.index(unit)
