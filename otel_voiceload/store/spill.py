"""Spill: a database to read with, and where it puts what does not fit into memory.

DuckDB's own choice is `.tmp` in the folder where somebody happens to stand, and four fifths of the
machine's memory before it writes anything there. A report is often made beside a generator and a
collector that still run, so it makes do with little, which costs a quarter of its time with ten
million spans and nothing with a million. People's own SQL may take half of the machine's. The rest
goes to the system's folder for passing files (`TMPDIR`), readable for nobody else, and is gone with
the connection.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from typing import Final

import duckdb

HALF: Final = "50%"
LITTLE: Final = "1300MB"  # ten million spans, and the process stays under 2 GB


def connect() -> duckdb.DuckDBPyConnection:
    """A new database in memory. Where no file may be made, it has to do with memory alone."""
    try:
        folder = tempfile.mkdtemp(prefix="ovl-spill-")
    except OSError:
        folder = ""
    connection = duckdb.connect(
        config={
            "memory_limit": HALF,
            "temp_directory": folder,
            # Also once all else is locked (open.py): nobody's own SQL sets anything.
            "allowed_configs": ["memory_limit"],
        }
    )
    if folder:
        weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    return connection


def limit(connection: duckdb.DuckDBPyConnection, memory: str) -> None:
    """How much memory is taken before anything is spilled: ``LITTLE`` or ``HALF``."""
    connection.execute(f"set memory_limit = '{memory}'")
