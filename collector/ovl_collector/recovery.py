"""Bringing a recording whose collector died to the state it would have ended in.

DuckDB replays the write-ahead log on opening, so every acknowledged batch is there; the file is
then checkpointed and sealed. What can not be opened is set aside under another name and listed,
never deleted, and so is a sealed file that is not the one which the manifest lists. What holds less
than was acknowledged into it is listed as shortened.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import orjson

from ovl_collector.manifest import Damaged, Manifest, SegmentEntry, Shortened
from ovl_collector.segment_file import (
    SegmentFile,
    read_hashes,
    read_identity,
    remove_database,
)
from ovl_collector.segments import acked_path, sealed_entry


def recover(folder: Path, manifest: Manifest, *, ended: bool = False) -> Manifest:
    """Seals every leftover segment. The caller holds the recording's lock. Idempotent.

    Works from the files, not only from the manifest: a crash can fall between the creation of a
    file and its line in the manifest.
    """
    for leftover in folder.glob("*.tmp"):
        remove_database(leftover)
    known = {entry.file: entry for entry in manifest.segments}
    for path in sorted(folder.glob("segment-*.duckdb")):
        entry = known.pop(path.name, None)
        if entry is None or entry.state != "sealed":
            manifest = _seal_leftover(path, manifest)
        elif (why := foreign(path, entry, manifest.recording)) is not None:
            manifest = _set_aside(path, entry.number, manifest, why)
    for entry in known.values():
        manifest = manifest.without_segment(entry.number)
        if entry.state == "sealed" or not _was_never_used(folder / entry.file):
            missing = Damaged(entry.file, "the file is missing")
            manifest = replace(manifest, damaged=(*manifest.damaged, missing))
    manifest = replace(manifest, ended=ended)
    manifest.write(folder)
    for counter in folder.glob("segment-*.acked"):
        counter.unlink()
    (folder / "control.json").unlink(missing_ok=True)
    return manifest


def foreign(path: Path, entry: SegmentEntry, recording: str) -> str | None:
    """Why a sealed file can not be the one of its manifest line; None when it may be.

    A file that can not be read is not judged here: its readers say so.
    """
    try:
        found = read_identity(path)
    except duckdb.Error:
        return None
    if (found.recording, found.number) != (recording, entry.number):
        return found.words
    if found.batches != entry.batches:
        return f"it holds {found.batches} batches and the manifest says {entry.batches}"
    return None


def _was_never_used(path: Path) -> bool:
    """A live file that is gone with nothing acknowledged into it: its making was cut short."""
    try:
        return not acked_path(path).read_bytes().strip()
    except OSError:
        return False


def _seal_leftover(path: Path, manifest: Manifest) -> Manifest:
    number = int(path.stem.removeprefix("segment-"))
    try:
        segment = SegmentFile(path, number)
    except duckdb.Error as error:
        return _set_aside(path, number, manifest, str(error))
    if (segment.identity.recording, segment.identity.number) != (manifest.recording, number):
        segment.abandon()
        return _set_aside(path, number, manifest, segment.identity.words)
    shortened = _compare_with_acked(segment)
    if shortened is not None:
        manifest = replace(manifest, shortened=(*manifest.shortened, shortened))
    segment.close()
    if segment.is_empty:
        remove_database(path)
        return manifest.without_segment(number)
    return manifest.with_segment(sealed_entry(segment))


def _set_aside(path: Path, number: int, manifest: Manifest, why: str) -> Manifest:
    aside = path.with_name(path.name + ".damaged")
    path.rename(aside)
    log = path.with_name(path.name + ".wal")
    if log.exists():
        log.rename(aside.with_name(aside.name + ".wal"))
    reason = why.splitlines()[0][:300]
    return replace(
        manifest.without_segment(number),
        damaged=(*manifest.damaged, Damaged(aside.name, reason)),
    )


def _compare_with_acked(segment: SegmentFile) -> Shortened | None:
    try:
        acked = orjson.loads(acked_path(segment.path).read_bytes())
        missing = (
            int(acked["batches"]) - segment.batches,
            int(acked["spans"]) - segment.spans,
            int(acked["metric_points"]) - segment.metric_points,
        )
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None  # nothing was acknowledged yet, or the counts are damaged themselves
    if all(count <= 0 for count in missing):
        return None
    return Shortened(segment.path.name, *(max(0, count) for count in missing))


def recent_hashes(folder: Path, manifest: Manifest, limit: int = 20_000) -> list[tuple[int, int]]:
    """(request_hash, batch_id) of the newest batches of a recovered recording, oldest first."""
    found: list[tuple[int, int]] = []
    for entry in reversed(manifest.segments):
        found = [*read_hashes(folder / entry.file, limit - len(found)), *found]
        if len(found) >= limit:
            break
    return found
