"""The series of segment files of one recording: rotation, sealing, recovery, and their manifest.

Rotation replaces checkpoints in the middle of ingestion, which stall commits for seconds: the full
file is handed to a background thread that checkpoints and closes it while the next one fills.
Beside the live file stands a small one with the counts acknowledged so far, since DuckDB opens a
shortened write-ahead log without a word.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa

from ovl_collector.manifest import Manifest, SegmentEntry
from ovl_collector.run_counts import RunCounts
from ovl_collector.segment_file import SegmentFile, SegmentMaker, remove_database


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a live segment is full. Bytes are of decoded requests."""

    items: int = 250_000
    body_bytes: int = 96 * 2**20  # about as many spans of ours as ``items``
    age_s: float = 900.0

    def problems(self) -> list[str]:
        return [
            f"rotation {name} must be positive, not {value}"
            for name, value in (
                ("items", self.items),
                ("body_bytes", self.body_bytes),
                ("age_s", self.age_s),
            )
            if value <= 0
        ]


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"segment-{number:04d}.duckdb"


def acked_path(segment: Path) -> Path:
    return segment.with_suffix(".acked")


class Segments:
    """Used by the writer thread; the closing thread touches only the manifest, under a lock."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        rotation: Rotation,
        *,
        mono_ns: Callable[[], int],
        unix_ns: Callable[[], int],
    ) -> None:
        """Creates the first live segment. Raises duckdb.Error or OSError."""
        self.folder = folder
        self._rotation = rotation
        self._mono_ns = mono_ns
        self._unix_ns = unix_ns
        self._manifest = manifest
        self._manifest_lock = threading.Lock()
        self._maker = SegmentMaker(folder, manifest.recording)
        self._closer = ThreadPoolExecutor(1, thread_name_prefix="segment-closer")
        # Making a file takes 40 ms, in which nobody would be acknowledged.
        self._making = ThreadPoolExecutor(1, thread_name_prefix="segment-maker")
        self._next: Future[SegmentFile] | None = None
        self._unsealed: dict[int, Path] = {}  # closing failed (disk full): tried again later
        self._acked: int | None = None
        self.runs = RunCounts()
        numbers = [entry.number for entry in manifest.segments]
        self.live = self._create(max(numbers, default=0) + 1)

    @property
    def manifest(self) -> Manifest:
        with self._manifest_lock:
            return self._manifest

    @property
    def unsealed(self) -> list[str]:
        """Full files that could not be closed yet, so that no reader sees them."""
        return [path.name for path in self._unsealed.values()]

    def commit(self, tables: Mapping[str, pa.Table], body_bytes: int) -> None:
        """One transaction into the live segment. Raises duckdb.Error; then call ``reopen``."""
        live = self.live
        live.commit(tables)
        self._note(tables)
        if self._next is None:  # only now: a collector at rest needs no second file
            self._next = self._making.submit(self._make, live.number + 1)
        self._body_bytes += body_bytes
        if self._acked is not None:
            counts = {
                "batches": live.batches,
                "spans": live.spans,
                "metric_points": live.metric_points,
            }
            os.pwrite(self._acked, orjson.dumps(counts).ljust(127) + b"\n", 0)

    def _note(self, tables: Mapping[str, pa.Table]) -> None:
        live = self.live
        batches = tables.get("batches")
        if batches is not None:
            live.batches += batches.num_rows
            received = batches.column("received_unix_nano")
            first, last = received[0].as_py(), received[-1].as_py()
            live.first_unix_ns = min(first, live.first_unix_ns or first)
            live.last_unix_ns = max(last, live.last_unix_ns or last)
            flagged = batches.column("may_hold_duplicates").to_pylist()
            live.may_hold_duplicates = live.may_hold_duplicates or any(flagged)
        live.spans += tables["spans"].num_rows if "spans" in tables else 0
        live.metric_points += tables["metric_points"].num_rows if "metric_points" in tables else 0
        live.losses += tables["losses"].num_rows if "losses" in tables else 0
        self.runs.note(tables)
        live.resource_ids.update(_ids(tables, "resources", "resource_id"))
        live.scope_ids.update(_ids(tables, "scopes", "scope_id"))

    def reopen(self) -> None:
        """After a failed commit: the instance may be invalid, the commit may be durable."""
        path, number = self.live.path, self.live.number
        self.live.abandon()
        self.live = SegmentFile(path, number)

    @property
    def is_due(self) -> bool:
        live = self.live
        if live.is_empty:
            return False
        return (
            live.spans + live.metric_points >= self._rotation.items
            or self._body_bytes >= self._rotation.body_bytes
            or self._mono_ns() - self._opened_mono_ns >= self._rotation.age_s * 1e9
        )

    def rotate(self) -> Future[list[str]]:
        """Opens the next segment and closes the full one in the background.

        The future gives the files sealed by it. An empty live segment stays. When the next file
        can not be created (disk full) the live one goes on, and the error is raised.
        """
        if self.live.is_empty:
            return self._closer.submit(self._finish_unsealed)
        full, acked = self.live, self._acked
        self.live = self._create(full.number + 1)
        if acked is not None:
            os.close(acked)
        return self._closer.submit(self._finish, full)

    def end(self) -> Manifest:
        """Seals or removes the live segment and marks the recording as ended."""
        live, acked = self.live, self._acked
        self._drop_next()
        if acked is not None:
            os.close(acked)
            self._acked = None
        if live.is_empty:
            path = live.path
            self._closer.submit(live.close).result()
            # The manifest first: killed in between, an unlisted empty file is left, which the next
            # recovery removes. The other way round a listed file would be missing, like a damage.
            self.update(lambda known: known.without_segment(live.number))
            path.unlink(missing_ok=True)
            acked_path(path).unlink(missing_ok=True)
        else:
            self._closer.submit(self._finish, live).result()
        self._closer.shutdown(wait=True)
        self._making.shutdown(wait=True)
        self._maker.close()
        if not self._unsealed:
            self.update(lambda known: replace(known, ended=True))
        return self.manifest

    def _make(self, number: int) -> SegmentFile:
        return self._maker.make(segment_path(self.folder, number), number, self._unix_ns())

    def _take_next(self, number: int) -> SegmentFile:
        """The file prepared in the background; made now when there is none or it failed."""
        prepared, self._next = self._next, None
        if prepared is not None:
            with contextlib.suppress(duckdb.Error, OSError):
                return prepared.result()
        return self._making.submit(self._make, number).result()

    def _drop_next(self) -> None:
        prepared, self._next = self._next, None
        if prepared is not None:
            with contextlib.suppress(duckdb.Error, OSError):
                unused = prepared.result()
                unused.abandon()
                remove_database(unused.path)

    def _create(self, number: int) -> SegmentFile:
        path = segment_path(self.folder, number)
        created = self._take_next(number)
        acked: int | None = None
        try:
            acked = os.open(
                acked_path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644
            )
            self.update(lambda known: known.with_segment(SegmentEntry(path.name, number)))
        except OSError:
            created.abandon()
            path.unlink(missing_ok=True)
            if acked is not None:
                os.close(acked)
                acked_path(path).unlink(missing_ok=True)
            raise
        self._acked = acked
        self.runs.begin_segment()
        self._opened_mono_ns = self._mono_ns()
        self._body_bytes = 0
        return created

    def _finish(self, full: SegmentFile) -> list[str]:
        try:
            full.close()
            entry = sealed_entry(full)
            self.update(lambda known: known.with_segment(entry))
        except (duckdb.Error, OSError) as error:
            # Nothing is lost: file and write-ahead log stay, and the manifest still says live.
            print(
                f"ovl-collector: {full.path.name} could not be sealed yet: {error}", file=sys.stderr
            )
            self._unsealed[full.number] = full.path
            return []
        self._unsealed.pop(full.number, None)
        acked_path(full.path).unlink(missing_ok=True)
        return [full.path.name, *self._finish_unsealed()]

    def _finish_unsealed(self) -> list[str]:
        """Tries again what a full disk left open."""
        done: list[str] = []
        for number, path in list(self._unsealed.items()):
            if number not in self._unsealed:
                continue  # sealed by the one before it
            try:
                reopened = SegmentFile(path, number)
            except duckdb.Error:
                continue
            done += self._finish(reopened)
        return done

    def update(self, change: Callable[[Manifest], Manifest]) -> None:
        """Changes the manifest, on disk first. Safe from any thread."""
        with self._manifest_lock:
            changed = change(self._manifest)
            changed.write(self.folder)
            self._manifest = changed


def sealed_entry(closed: SegmentFile) -> SegmentEntry:
    """The manifest's line for a file that was closed in order."""
    return SegmentEntry(
        file=closed.path.name,
        number=closed.number,
        state="sealed",
        batches=closed.batches,
        spans=closed.spans,
        metric_points=closed.metric_points,
        bytes=closed.path.stat().st_size,
        first_unix_ns=closed.first_unix_ns,
        last_unix_ns=closed.last_unix_ns,
        may_hold_duplicates=closed.may_hold_duplicates,
    )


def _ids(tables: Mapping[str, pa.Table], table: str, column: str) -> list[int]:
    found = tables.get(table)
    return [] if found is None else found.column(column).to_pylist()
