"""The lock of a recording: one collector process writes it, and a second one learns who does.

flock belongs to the open file, so the kernel frees it however the process ends. The file's text
names the holder for people and for the message. Readers of a dead recording take the lock shared,
so nothing starts to write under them.
"""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import Final

from ovl_collector.errors import UsageError

LOCK_FILE: Final = "lock"


class RecordingLock:
    """Held from ``acquire`` to ``release`` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, recording: Path) -> RecordingLock:
        """Raises UsageError at once, naming the holder, when the recording is in use."""
        descriptor = os.open(recording / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "a reader"
            os.close(descriptor)
            raise UsageError(
                f"recording {recording.name} is in use by {holder}; "
                "stop that one or start without --recording"
            ) from None
        text = f"pid {os.getpid()} on {socket.gethostname()}\n".encode()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text, 0)
        return cls(descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(recording: Path) -> bool:
    """Whether a collector writes this recording now."""
    try:
        descriptor = os.open(recording / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
