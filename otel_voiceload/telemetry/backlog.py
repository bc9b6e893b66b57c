"""Batches that wait for their acknowledgement, oldest first, bounded in bytes.

When the bound is reached the oldest go, counted by name: what is new tells more about a run that is
still going on. The bound is on encoded bytes, because a count of spans bounds nothing when their
size is the target's choice.
"""

from __future__ import annotations

import threading
from collections import Counter, deque

from otel_voiceload.telemetry.batches import Batch

OVERFLOW = "backlog_full"


class Backlog:
    """A thread-safe queue with one taker.

    A batch that was taken still counts against the bound until it is ``settled`` or ``returned``,
    but it is never the one that goes: it may already be stored.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._waiting: deque[Batch] = deque()
        self._taken: Batch | None = None
        self._bytes = 0
        self._ended: Counter[str] = Counter()
        self._acknowledged: Counter[str] = Counter()
        self._lost: dict[str, Counter[str]] = {"traces": Counter(), "metrics": Counter()}

    def put(self, batch: Batch) -> None:
        with self._lock:
            self._ended[batch.signal] += batch.items
            self._waiting.append(batch)
            self._bytes += len(batch.body)
            while self._bytes > self._max_bytes and self._waiting:
                self._lose(self._waiting.popleft(), OVERFLOW)

    def take(self) -> Batch | None:
        """The oldest batch; it stays ours until it is settled or returned."""
        with self._lock:
            if self._taken is None and self._waiting:
                self._taken = self._waiting.popleft()
            return self._taken

    def settle(self, rejected: int = 0, reason: str = "") -> None:
        """The taken batch was answered for good: acknowledged but for ``rejected`` of its items."""
        with self._lock:
            batch = self._taken
            if batch is None:  # the backlog was closed meanwhile and has counted it as lost
                return
            self._taken = None
            self._bytes -= len(batch.body)
            self._acknowledged[batch.signal] += batch.items - rejected
            if rejected:
                self._lost[batch.signal][reason] += rejected

    @property
    def empty(self) -> bool:
        with self._lock:
            return not self._waiting and self._taken is None

    def abandon(self, reason: str) -> None:
        """Give up everything that waits, the taken batch too; what comes later is taken again."""
        with self._lock:
            if self._taken is not None:
                self._waiting.appendleft(self._taken)
                self._taken = None
            while self._waiting:
                self._lose(self._waiting.popleft(), reason)

    def note_lost(self, signal: str, reason: str, items: int) -> None:
        """Items that ended and were lost before they could become a batch."""
        with self._lock:
            self._ended[signal] += items
            self._lost[signal][reason] += items

    def counts(self, signal: str) -> tuple[int, int, dict[str, int]]:
        """(ended, acknowledged, lost by reason) so far; the difference still waits."""
        with self._lock:
            return self._ended[signal], self._acknowledged[signal], dict(self._lost[signal])

    def _lose(self, batch: Batch, reason: str) -> None:
        self._bytes -= len(batch.body)
        self._lost[batch.signal][reason] += batch.items
