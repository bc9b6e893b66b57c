"""Encoded batches that wait on disk for their destination: the layout, and how it is read.

``<store>/spool/<run id>/<lane>/``, one lane per destination, written by a run's telemetry process
while its destination is away, and gone once everything was acknowledged. What a killed process left
behind is read from here: the report counts it, the next collector of the store gets it. A process
can die in the middle of a write, so every frame carries its length and two checksums.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import orjson

SPOOL: Final = "spool"
SEGMENT_SUFFIX: Final = ".otlp"
DESTINATION_FILE: Final = "destination.json"
CURSOR_FILE: Final = "cursor"
LOST_FILE: Final = "lost.json"
LOCK_FILE: Final = "lock"
LANE_STORE: Final = "store"
LANE_COPY: Final = "copy"
TO_THIS_STORE: Final = "this store"  # the destination whose address changes with each collector

_SIGNALS: Final = ("traces", "metrics")
_MAGIC: Final = b"OVLS"
_HEADER: Final = struct.Struct("<4sBIII")  # magic, signal, items, length of the body, its CRC-32
_CHECK: Final = struct.Struct("<I")  # CRC-32 of the header
HEAD_BYTES: Final = _HEADER.size + _CHECK.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One export request of ``items`` spans or metrics, as it goes over the wire."""

    signal: str  # "traces" or "metrics"
    items: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """A frame that can not be read. ``items`` None: not even its header; the rest is lost too."""

    signal: str
    items: int | None
    ends_file: bool


def pack(frame: Frame) -> bytes:
    header = _HEADER.pack(
        _MAGIC,
        _SIGNALS.index(frame.signal),
        frame.items,
        len(frame.body),
        zlib.crc32(frame.body),
    )
    return header + _CHECK.pack(zlib.crc32(header)) + frame.body


def read_frame(file: BinaryIO, *, with_body: bool = True) -> Frame | Damage | None:
    """The frame at the file's position; None at its end.

    Without its body a frame is only counted: its ``body`` is empty, and a wrong one goes unnoticed.
    """
    head = file.read(HEAD_BYTES)
    if not head:
        return None
    if (
        len(head) < HEAD_BYTES
        or zlib.crc32(head[: _HEADER.size]) != _CHECK.unpack(head[_HEADER.size :])[0]
    ):
        return Damage(_SIGNALS[0], None, True)
    magic, code, items, length, check = _HEADER.unpack(head[: _HEADER.size])
    if magic != _MAGIC or code >= len(_SIGNALS):
        return Damage(_SIGNALS[0], None, True)
    if not with_body:
        left = os.fstat(file.fileno()).st_size - file.tell()
        file.seek(length, os.SEEK_CUR)
        if left < length:
            return Damage(_SIGNALS[code], items, True)
        return Frame(_SIGNALS[code], items, b"")
    body = file.read(length)
    if len(body) < length:
        return Damage(_SIGNALS[code], items, True)
    if zlib.crc32(body) != check:
        return Damage(_SIGNALS[code], items, False)
    return Frame(_SIGNALS[code], items, body)


def read_segment(
    path: Path, offset: int = 0, *, with_body: bool = True
) -> Iterator[tuple[Frame | Damage, int]]:
    """Every frame from ``offset`` on, with the offset behind it."""
    with path.open("rb") as file:
        file.seek(offset)
        while (found := read_frame(file, with_body=with_body)) is not None:
            yield found, file.tell()
            if isinstance(found, Damage) and found.ends_file:
                return


# --- the folder of one lane -----------------------------------------------------------------------


def segments(lane: Path) -> list[Path]:
    """The files with frames, oldest first."""
    return sorted(lane.glob(f"*{SEGMENT_SUFFIX}"))


def segment_name(number: int) -> str:
    return f"{number:08d}{SEGMENT_SUFFIX}"


def write_cursor(descriptor: int, segment: str, offset: int) -> None:
    """How far the oldest segment was acknowledged; in place, so that a full disk takes it too."""
    os.pwrite(descriptor, f"{segment} {offset:020d}\n".encode(), 0)


def read_cursor(lane: Path) -> tuple[str, int]:
    """The segment and offset behind which frames still wait; ("", 0) when nobody wrote any."""
    try:
        name, offset = (lane / CURSOR_FILE).read_text("ascii").split()
        return name, int(offset)
    except (OSError, ValueError):
        return "", 0


def frames_waiting(
    lane: Path, *, with_body: bool = True
) -> Iterator[tuple[Path, Frame | Damage, int]]:
    """Every frame that was not acknowledged, with its file and the offset behind it."""
    at, offset = read_cursor(lane)
    for path in segments(lane):
        for found, end in read_segment(path, offset if path.name == at else 0, with_body=with_body):
            yield path, found, end


def lock(lane: Path) -> int | None:
    """Takes the lane for writing or delivering; None while another process has it."""
    descriptor = os.open(lane / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def lanes(store: Path) -> list[Path]:
    """The folders of all lanes of a store that hold something, oldest run first."""
    found = (store / SPOOL).glob(f"*/*/{DESTINATION_FILE}")
    return sorted(path.parent for path in found)


def destination(lane: Path) -> str:
    """Where the lane's batches go; empty when that can not be read."""
    return str(_json(lane / DESTINATION_FILE).get("destination", ""))


# --- what a report wants to know ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """Spans of a run that are not in the store yet, and those that never will be, by reason."""

    spans: int
    lost: dict[str, int]


def waiting(store: Path, run_id: str) -> Waiting:
    """What the spool of a run holds for the store."""
    lane = store / SPOOL / run_id / LANE_STORE
    counted: Counter[bool] = Counter()
    for _, found, _ in frames_waiting(lane, with_body=False):
        if found.signal == "traces":
            counted[isinstance(found, Frame)] += found.items or 0
    lost = Counter(read_lost(lane))
    if counted[False]:
        lost["spool_damaged"] += counted[False]
    return Waiting(counted[True], dict(lost))


def read_lost(lane: Path) -> dict[str, int]:
    """Spans by the reason for which their batches were given up when they were to be delivered."""
    found = _json(lane / LOST_FILE)
    return {reason: count for reason, count in found.items() if isinstance(count, int)}


def _json(path: Path) -> dict[str, object]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
