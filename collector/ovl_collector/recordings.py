"""The store's folder: finding, making and locking recordings.

``<store>/recordings/<id>/``; an id is the UTC time of its start and four random digits, so that
listing sorts by age and two collectors started in one second do not meet.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ovl_collector.errors import CollectorError, UsageError
from ovl_collector.locks import RecordingLock
from ovl_collector.manifest import Manifest, read_manifest

RECORDINGS: Final = "recordings"


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


def new_recording(store: Path, now_unix_ns: int) -> tuple[Path, RecordingLock, Manifest]:
    recordings = open_store(store)
    started = datetime.fromtimestamp(now_unix_ns // 10**9, tz=UTC)
    identifier = f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    folder = recordings / identifier
    try:
        folder.mkdir()
    except OSError as error:
        raise CollectorError(f"recording {folder} can not be made: {error.strerror}") from error
    lock = RecordingLock.acquire(folder)
    manifest = Manifest(recording=identifier, created_unix_ns=now_unix_ns)
    manifest.write(folder)
    return folder, lock, manifest


def existing_recording(store: Path, identifier: str) -> tuple[Path, RecordingLock, Manifest]:
    """Raises UsageError when it is not there or another process holds it."""
    folder = store / RECORDINGS / identifier
    if not folder.is_dir():
        raise UsageError(f"there is no recording {identifier} in {store}; see `ovl runs`")
    lock = RecordingLock.acquire(folder)
    try:
        return folder, lock, read_manifest(folder)
    except CollectorError:
        lock.release()
        raise


def unended(store: Path) -> list[Path]:
    """Recordings that say they have not ended: running ones and those whose collector died."""
    found = []
    for folder in sorted((store / RECORDINGS).iterdir()):
        try:
            if folder.is_dir() and not read_manifest(folder).ended:
                found.append(folder)
        except CollectorError:
            continue  # being made at this moment, or damaged: not ours to judge here
    return found
