"""Recordings in a temporary folder for the collector's tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from ovl_collector.decode import Decoder
from ovl_collector.duplicates import SeenRequests, SeenSpans
from ovl_collector.group import Pending, build_group
from ovl_collector.manifest import Manifest
from ovl_collector.segments import Rotation, Segments

from .requests import T0, traces

_BATCHES = itertools.count(1)


def pending(request: Any = None, *, request_hash: int | None = None, at: int = T0) -> Pending:
    """A decoded trace request with a batch id of its own."""
    request = traces() if request is None else request
    batch_id = next(_BATCHES)
    signal = "traces" if hasattr(request, "resource_spans") else "metrics"
    body = request.SerializeToString()
    decoded = Decoder().decode(signal, body, batch_id, json=False)
    chosen = batch_id if request_hash is None else request_hash
    return Pending(decoded, chosen, "127.0.0.1:1", at, len(body))


def new_segments(
    folder: Path,
    rotation: Rotation | None = None,
    *,
    mono_ns: Callable[[], int] = lambda: 0,
    kind: type[Segments] = Segments,
) -> Segments:
    manifest = Manifest("r", 0)
    manifest.write(folder)
    return kind(folder, manifest, rotation or Rotation(), mono_ns=mono_ns, unix_ns=lambda: T0)


def commit_batch(segments: Segments, signal: str, body: bytes, number: int, at: int = T0) -> None:
    """One encoded request into the live segment; ``number`` is its batch id and its hash."""
    decoded = Decoder().decode(signal, body, number, json=False)
    group = build_group(
        [Pending(decoded, number, "127.0.0.1:1", at, len(body))],
        [],
        live=segments.live,
        seen_requests=SeenRequests(),
        seen_spans=SeenSpans(words_bits=16),
        suspect_until_unix_ns=0,
    )
    segments.commit(group.tables, group.body_bytes)


def vanish(segments: Segments) -> None:
    """Leaves the files as a killed collector does: nothing closed, nothing noted."""
    segments.live.abandon()
    if segments._next is not None:
        segments._next.result().abandon()


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a sealed segment, or of a dead one's, read-only as another process would."""
    connection = _reader()
    connection.execute(f"attach '{path}' as segment (read_only)")
    try:
        connection.execute("use segment")
        return connection.execute(sql).fetchall()
    finally:
        connection.execute("use memory")
        connection.execute("detach segment")


@cache
def _reader() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})
