"""Spill: a database to read with, and where it puts what does not fit into memory.

DuckDB's own choice is `.tmp` in the folder where somebody happens to stand, and four fifths of the
machine's memory before it writes anything there. A report is often made beside a generator and a
collector that still run, so half has to do. The rest goes to the system's folder for passing files
(`TMPDIR`), readable for nobody else, and is gone with the connection.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref

import duckdb

MEMORY_LIMIT = "50%"


def connect() -> duckdb.DuckDBPyConnection:
    """A new database in memory. Where no file may be made, it has to do with memory alone."""
    try:
        folder = tempfile.mkdtemp(prefix="ovl-spill-")
    except OSError:
        folder = ""
    connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": folder})
    if folder:
        weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    return connection
