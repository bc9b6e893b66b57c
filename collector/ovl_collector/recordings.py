"""The store's folder: finding, making and locking recordings.

``<store>/recordings/<id>/``; an id is the UTC time of its start and four random digits, so that
listing sorts by age and two collectors started in one second do not meet.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from ovl_collector.duplicates import SeenRequests
from ovl_collector.errors import CollectorError, UsageError
from ovl_collector.locks import RecordingLock, is_locked
from ovl_collector.manifest import Manifest, read_manifest
from ovl_collector.recovery import recent_hashes, recover

RECORDINGS: Final = "recordings"
# A client keeps trying for a minute or two; what it sends again may be in the dead recording.
_SUSPECT_NS: Final = 120 * 10**9
_DIED_RECENTLY_NS: Final = 600 * 10**9
_FOREVER_NS: Final = 2**63


def open_store(store: Path) -> Path:
    """The folder of recordings, made when the store is new. Raises UsageError.

    The store ignores itself in git; so a folder that already holds other things is refused
    instead of being hidden from its owner's repository.
    """
    recordings = store / RECORDINGS
    if recordings.is_dir():
        return recordings
    if store.exists() and not store.is_dir():
        raise UsageError(f"store {store} is a file; name a folder")
    if store.is_dir() and any(store.iterdir()):
        raise UsageError(f"{store} is not empty and not a store; name a new folder with --store")
    try:
        recordings.mkdir(parents=True)
        (store / ".gitignore").write_text("*\n")
    except OSError as error:
        raise UsageError(f"store {store} can not be made: {error.strerror}") from error
    return recordings


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording that this process may write: locked, recovered, and what it already holds.

    Batches received before ``suspect_until_unix_ns`` may be duplicates of what an earlier
    collector stored without being able to acknowledge it.
    """

    folder: Path
    lock: RecordingLock
    manifest: Manifest
    seen: SeenRequests
    suspect_until_unix_ns: int


def claim_recording(store: Path, identifier: str | None, now_unix_ns: int) -> Claim:
    """A new recording, or the existing one of that id. Raises CollectorError or UsageError."""
    if identifier is None:
        return _new_recording(store, now_unix_ns)
    folder = store / RECORDINGS / identifier
    if not folder.is_dir():
        raise UsageError(f"there is no recording {identifier} in {store}; see `ovl runs`")
    lock = RecordingLock.acquire(folder)
    seen = SeenRequests()
    try:
        manifest = recover(folder, read_manifest(folder))
        seen.load(recent_hashes(folder, manifest))
    except (duckdb.Error, OSError) as error:
        lock.release()
        raise CollectorError(f"recording {folder} can not be recovered: {error}") from error
    except CollectorError:
        lock.release()
        raise
    return Claim(folder, lock, manifest, seen, _FOREVER_NS)


def recover_dead(store: Path) -> list[str]:
    """Brings every recording whose collector died into order; ids of those. Raises CollectorError.

    Recordings that a collector or a reader holds are left alone.
    """
    if not (store / RECORDINGS).is_dir():
        raise UsageError(f"{store} is not a store; name the folder that holds {RECORDINGS}/")
    recovered = []
    for folder in _unended(store):
        try:
            lock = RecordingLock.acquire(folder)
        except UsageError:
            continue
        try:
            recover(folder, read_manifest(folder), ended=True)
        except (duckdb.Error, OSError) as error:
            raise CollectorError(f"recording {folder} can not be recovered: {error}") from error
        finally:
            lock.release()
        recovered.append(folder.name)
    return recovered


def _new_recording(store: Path, now_unix_ns: int) -> Claim:
    recordings = open_store(store)
    suspect = any(_died_recently(folder, now_unix_ns) for folder in _unended(store))
    started = datetime.fromtimestamp(now_unix_ns // 10**9, tz=UTC)
    identifier = f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    folder = recordings / identifier
    try:
        folder.mkdir()
        lock = RecordingLock.acquire(folder)
        manifest = Manifest(recording=identifier, created_unix_ns=now_unix_ns)
        manifest.write(folder)
    except OSError as error:
        raise CollectorError(f"recording {folder} can not be made: {error.strerror}") from error
    return Claim(
        folder, lock, manifest, SeenRequests(), now_unix_ns + _SUSPECT_NS if suspect else 0
    )


def _unended(store: Path) -> list[Path]:
    """Recordings that say they have not ended: running ones and those whose collector died."""
    found = []
    for folder in sorted((store / RECORDINGS).iterdir()):
        try:
            if folder.is_dir() and not read_manifest(folder).ended:
                found.append(folder)
        except CollectorError:
            continue  # being made at this moment, or damaged: not ours to judge here
    return found


def _died_recently(folder: Path, now_unix_ns: int) -> bool:
    newest = max(path.stat().st_mtime_ns for path in folder.iterdir())
    return now_unix_ns - newest < _DIED_RECENTLY_NS and not is_locked(folder)
