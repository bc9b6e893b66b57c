"""The spool: what waits while a destination is away, on disk, in files of a few megabytes.

Append-only segments, read back in order and unlinked when their last batch was acknowledged, so
that nothing is ever rewritten and a disk that fills up spoils nothing that is already there. The
folder comes into being with the first batch: a run whose collector stays leaves no trace of it.
Nothing is synced, because nothing is acknowledged from here: whoever kills this process loses what
was in memory, and what was written is delivered later.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson

from otel_voiceload.store import spooled
from otel_voiceload.store.spooled import Damage, Frame

SEGMENT_BYTES = 8 * 1024 * 1024
SPOOL_BYTES = 1024 * 1024 * 1024
MIN_SPOOL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SpoolPlace:
    """Where a run may spool: its lanes are folders in ``folder``, each up to ``max_bytes``."""

    folder: Path  # <store>/spool/<run id>
    max_bytes: int = SPOOL_BYTES

    @property
    def store(self) -> Path:
        return self.folder.parent.parent


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int = 0
    frames: int = 0  # not yet read for good
    items: Counter[str] = field(default_factory=Counter)  # of those


class Spool:
    """Not thread-safe: its owner, the backlog, has a lock.

    ``damaged(signal, items)`` hears of batches that can not be read back.
    """

    def __init__(
        self,
        place: SpoolPlace,
        lane: str,
        destination: str,
        damaged: Callable[[str, int], None],
        *,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._place = place
        self._folder = place.folder / lane
        self._destination = destination
        self._damaged = damaged
        self._segment_bytes = segment_bytes
        self._segments: deque[_Segment] = deque()
        self._number = 0
        self._writer: int | None = None
        self._reader: BinaryIO | None = None
        self._head: Frame | None = None
        self._lock: int | None = None
        self._cursor: int | None = None
        self._bytes = 0
        self.peak_bytes = 0

    @property
    def empty(self) -> bool:
        return not self._segments

    def items(self, signal: str) -> int:
        """Spans or metrics that wait here."""
        return sum(segment.items[signal] for segment in self._segments)

    def append(self, frame: Frame) -> bool:
        """Write a batch behind all others; False when it does not fit under the cap.

        Raises:
            OSError: the disk does not take it; nothing of it stays.
        """
        data = spooled.pack(frame)
        if self._bytes + len(data) > self._place.max_bytes:
            return False
        segment = self._segments[-1] if self._writer is not None else None
        if segment is None or segment.size + len(data) > self._segment_bytes:
            segment = self._next_segment()
        assert self._writer is not None
        try:
            _write_all(self._writer, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._writer, segment.size)
            if not segment.frames:
                self._drop_last(segment)
            raise
        segment.size += len(data)
        segment.frames += 1
        segment.items[frame.signal] += frame.items
        self._bytes += len(data)
        self.peak_bytes = max(self.peak_bytes, self._bytes)
        return True

    def peek(self) -> Frame | None:
        """The oldest batch; it stays until ``pop``."""
        while self._head is None and self._segments:
            segment = self._segments[0]
            try:
                if self._reader is None:
                    self._reader = segment.path.open("rb")
                found = spooled.read_frame(self._reader) if segment.frames else None
            except OSError:
                found = None
            if isinstance(found, Frame):
                self._head = found
            elif isinstance(found, Damage) and found.items is not None and not found.ends_file:
                self._damaged(found.signal, found.items)
                self._read_one(segment, found.signal, found.items)
            else:  # the rest of this file can not be told apart any more
                for signal, items in segment.items.items():
                    self._damaged(signal, items)
                self._drop_first()
        return self._head

    def pop(self) -> None:
        """The oldest batch was settled."""
        assert self._head is not None
        frame, self._head = self._head, None
        segment = self._segments[0]
        assert self._reader is not None
        if self._cursor is not None:
            with contextlib.suppress(OSError):  # then it is sent twice, which the store notices
                spooled.write_cursor(self._cursor, segment.path.name, self._reader.tell())
        self._read_one(segment, frame.signal, frame.items)

    def close(self) -> None:
        """Leave what waits on disk, and nothing when nothing waits."""
        self._close_reader()
        self._close_writer()
        for descriptor in (self._cursor, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        if self._lock is not None and self.empty:
            shutil.rmtree(self._folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # the other lane may still have something
                self._place.folder.rmdir()
        self._cursor = self._lock = None

    def _read_one(self, segment: _Segment, signal: str, items: int) -> None:
        segment.frames -= 1
        segment.items[signal] -= items
        if not segment.frames:
            self._drop_first()

    def _drop_first(self) -> None:
        self._close_reader()
        segment = self._segments.popleft()
        if not self._segments:
            self._close_writer()
        self._bytes -= segment.size
        with contextlib.suppress(OSError):
            segment.path.unlink()

    def _drop_last(self, segment: _Segment) -> None:
        """A segment that got no batch: the disk had room for its name only."""
        self._close_writer()
        self._segments.pop()
        if not self._segments:
            self._close_reader()
        with contextlib.suppress(OSError):
            segment.path.unlink()

    def _next_segment(self) -> _Segment:
        if self._lock is None:
            self._open_folder()
        self._close_writer()
        segment = _Segment(self._folder / spooled.segment_name(self._number + 1))
        self._writer = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._number += 1
        self._segments.append(segment)
        return segment

    def _open_folder(self) -> None:
        make_store(self._place.store)
        self._folder.mkdir(parents=True, exist_ok=True)
        about = {"format": 1, "run": self._place.folder.name, "destination": self._destination}
        (self._folder / spooled.DESTINATION_FILE).write_bytes(orjson.dumps(about))
        self._cursor = os.open(self._folder / spooled.CURSOR_FILE, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            spooled.write_cursor(self._cursor, spooled.segment_name(0), 0)
            self._lock = spooled.lock(self._folder)
        finally:
            if self._lock is None:
                os.close(self._cursor)
                self._cursor = None
        if self._lock is None:
            raise BlockingIOError(f"{self._folder} is in use by another process")

    def _close_writer(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def _close_reader(self) -> None:
        self._head = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def make_store(store: Path) -> None:
    """A store's folder where there is none yet, as the collector makes it.

    Raises:
        OSError: it can not be made, or holds other things, which its ``.gitignore`` would hide.
    """
    recordings = store / "recordings"
    if recordings.is_dir():
        return
    if store.is_dir() and any(store.iterdir()):
        raise FileExistsError(f"{store} is not empty and not a store")
    recordings.mkdir(parents=True)
    (store / ".gitignore").write_text("*\n")


def _write_all(descriptor: int, data: bytes) -> None:
    # A disk that fills up takes a part first and fails on the rest.
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
