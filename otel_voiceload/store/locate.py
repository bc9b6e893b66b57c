"""The store's layout on disk: recordings, their segment files, and the collectors still at work.

A recording is a folder that one collector process writes and locks. DuckDB lets nobody else open a
file that is being written, so what may be read follows from two facts only: whether the lock is
held, and what the manifest says of each segment.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from otel_voiceload.errors import StoreError

DEFAULT_STORE = "ovl-store"
STORE_ENV = "OVL_STORE"
MANIFEST_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Counts:
    """What the manifest says of a sealed file, to be held against what is in it."""

    batches: int
    spans: int
    metric_points: int
    rolled_up: bool  # its raw spans are gone, so these are the rows that stayed


@dataclass(frozen=True, slots=True)
class Segment:
    path: Path
    number: int
    live: bool  # the collector had not closed it when the manifest was written
    counts: Counts | None = None  # None: live, or written by something that does not count


@dataclass(frozen=True, slots=True)
class Control:
    """Where a living collector can be asked for a seal."""

    http: str  # "http://127.0.0.1:4318"
    token: str
    pid: int
    private: bool = False  # ends with the run that started it


@dataclass(frozen=True, slots=True)
class Recording:
    """One collector process's folder; ``alive`` means its lock is held right now."""

    recording_id: str
    folder: Path
    segments: tuple[Segment, ...]
    alive: bool
    ended: bool  # the collector said goodbye; False and not alive: it died
    control: Control | None
    losses: tuple[str, ...] = ()  # what the collector itself found missing, one sentence each


def default_store() -> Path:
    """The store to use when nobody named one: ``$OVL_STORE``, else ``./ovl-store``."""
    return Path(os.environ.get(STORE_ENV) or DEFAULT_STORE)


def find_recordings(store: Path) -> tuple[Recording, ...]:
    """All recordings of a store folder, oldest first; StoreError when it is no store."""
    if not store.exists():
        raise StoreError(
            f"There is no store at {store}: run `ovl generate` or `ovl collect` first,"
            " or name the folder with --store."
        )
    folder = store / "recordings"
    if not folder.is_dir():
        if (store / "manifest.json").is_file():
            return (_read_recording(store),)
        raise StoreError(
            f"{store} is not a store: it has no `recordings` folder."
            " Name the folder that `ovl generate` wrote with --store."
        )
    return tuple(_read_recording(each) for each in sorted(folder.iterdir()) if each.is_dir())


def _read_recording(folder: Path) -> Recording:
    alive = lock_is_held(folder / "lock")
    manifest = _read_manifest(folder)
    if manifest is None:
        # Killed between making the folder and writing the first manifest: the names tell enough.
        files = sorted(folder.glob("segment-*.duckdb"))
        segments = tuple(Segment(path, _number(path), True) for path in files)
        return Recording(folder.name, folder, segments, alive, False, _read_control(folder, alive))
    segments = _segments(folder, manifest)
    return Recording(
        recording_id=str(manifest.get("recording", folder.name)),
        folder=folder,
        segments=tuple(sorted(segments, key=lambda segment: segment.number)),
        alive=alive,
        ended=bool(manifest.get("ended", False)),
        control=_read_control(folder, alive),
        losses=_losses(folder.name, manifest),
    )


def _segments(folder: Path, manifest: dict[str, object]) -> tuple[Segment, ...]:
    """What the manifest lists. StoreError when it is unreadable, which is no empty store."""
    rows: Any = manifest.get("segments")  # JSON of any shape; what does not fit is refused
    try:
        return tuple(
            Segment(
                folder / str(row["file"]),
                int(row["number"]),
                row["state"] != "sealed",
                _counts(row),
            )
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"The manifest {folder / 'manifest.json'} can not be read (its list of segments is"
            " damaged): move the recording's folder away or restore the file."
        ) from error


def _counts(row: dict[str, Any]) -> Counts | None:
    if row["state"] != "sealed" or "batches" not in row:
        return None
    return Counts(
        int(row["batches"]),
        int(row["spans"]),
        int(row["metric_points"]),
        bool(row.get("rolled_up", False)),
    )


def _number(path: Path) -> int:
    digits = path.stem.removeprefix("segment-")
    return int(digits) if digits.isdigit() else 0


def hold(recording: Recording) -> int | None:
    """Takes a dead recording's lock shared, so that no collector continues it while it is read.

    Returns the descriptor to close afterwards; None when there is no lock file or it is taken.
    """
    try:
        descriptor = os.open(recording.folder / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def acknowledged(segment: Segment) -> tuple[int, int] | None:
    """Spans and metric points that a live segment's collector had answered for."""
    try:
        counts = orjson.loads(segment.path.with_suffix(".acked").read_bytes())
        return int(counts["spans"]), int(counts["metric_points"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def _losses(name: str, manifest: dict[str, object]) -> tuple[str, ...]:
    damaged, shortened = manifest.get("damaged"), manifest.get("shortened")
    notes = [
        f"The file {row.get('file')} of recording {name} is damaged and was not read."
        for row in (damaged if isinstance(damaged, list) else [])
        if isinstance(row, dict)
    ]
    notes += [
        f"{row.get('spans_missing')} spans that were acknowledged are missing from"
        f" {row.get('file')} of recording {name}."
        for row in (shortened if isinstance(shortened, list) else [])
        if isinstance(row, dict)
    ]
    return tuple(notes)


def _read_manifest(folder: Path) -> dict[str, object] | None:
    path = folder / "manifest.json"
    try:
        manifest = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError) as error:
        raise StoreError(
            f"The manifest {path} can not be read ({error}):"
            " move the recording's folder away or restore the file."
        ) from error
    if not isinstance(manifest, dict) or manifest.get("format") != MANIFEST_FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else "nothing"
        raise StoreError(
            f"The manifest {path} has format {found}, this version reads {MANIFEST_FORMAT}:"
            " use the version of otel-voiceload that wrote it."
        )
    return manifest


def _read_control(folder: Path, alive: bool) -> Control | None:
    if not alive:
        return None  # left behind by a collector that died; its port may be somebody else's now
    try:
        control = orjson.loads((folder / "control.json").read_bytes())
        return Control(
            str(control["http"]),
            str(control["token"]),
            int(control["pid"]),
            bool(control.get("private", False)),
        )
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def lock_is_held(path: Path) -> bool:
    """Whether some living process holds a file's lock; no process id can lie about that."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
