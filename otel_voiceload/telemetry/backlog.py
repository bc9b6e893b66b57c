"""Batches that wait for their acknowledgement, oldest first: in memory, and beyond that on disk.

In memory only for the moment: as soon as the destination is away, or is slower than we are, what
waits goes into the spool, because memory dies with the process and an outage may last. What the
spool does not take either is dropped and counted by name. All bounds are on encoded bytes: a count
of spans bounds nothing when their size is the target's choice.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from otel_voiceload.store.spooled import Frame
from otel_voiceload.telemetry.batches import Batch, Signal
from otel_voiceload.telemetry.spool import Spool

MEMORY_BYTES = 8 * 1024 * 1024  # half a minute of 2,000 spans a second
FALLBACK_BYTES = 64 * 1024 * 1024  # while the disk takes nothing

SPOOL_FULL = "spool_full"
SPOOL_DISK_FULL = "spool_disk_full"
SPOOL_DAMAGED = "spool_damaged"
MEMORY_FULL = "memory_full"  # without a spool


@dataclass(frozen=True, slots=True)
class Ledger:
    """One signal's items: ended = acknowledged + lost + spooled + what waits in memory."""

    ended: int
    acknowledged: int
    lost: dict[str, int]
    spooled: int = 0


OpenSpool = Callable[[Callable[[str, int], None]], Spool]
"""(who hears of batches that can not be read back) -> a spool."""


class Backlog:
    """A thread-safe queue with one taker. Without ``open_spool`` it is memory alone."""

    def __init__(
        self,
        open_spool: OpenSpool | None = None,
        *,
        memory_bytes: int = MEMORY_BYTES,
        fallback_bytes: int = FALLBACK_BYTES,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._fallback_bytes = fallback_bytes
        self._lock = threading.Lock()
        self._waiting: deque[Batch] = deque()
        self._taken: Batch | None = None
        self._taken_from_spool = False
        self._bytes = 0  # in memory, the taken batch apart
        self._away = False
        self._closed = False
        self._disk_fails = False
        self._ended: Counter[str] = Counter()
        self._acknowledged: Counter[str] = Counter()
        self._lost: dict[str, Counter[str]] = {"traces": Counter(), "metrics": Counter()}
        self._spool = open_spool and open_spool(self._damaged)

    def put(self, batch: Batch) -> None:
        with self._lock:
            self._ended[batch.signal] += batch.items
            self._waiting.append(batch)
            self._bytes += len(batch.body)
            if self._away or self._bytes > self._memory_bytes:
                self._spill()
                self._bound()

    def take(self) -> Batch | None:
        """The oldest batch; it stays ours until it is settled or returned."""
        with self._lock:
            if self._closed:
                return None
            if self._taken is None:
                # What is on disk is older: memory is emptied to there, oldest first.
                frame = None if self._spool is None else self._spool.peek()
                self._taken_from_spool = frame is not None
                if frame is not None:
                    self._taken = Batch(cast(Signal, frame.signal), frame.body, frame.items)
                elif self._waiting:
                    self._taken = self._waiting.popleft()
                    self._bytes -= len(self._taken.body)
            return self._taken

    def settle(self, rejected: int = 0, reason: str = "") -> None:
        """The taken batch was answered for good: acknowledged but for ``rejected`` of its items."""
        with self._lock:
            batch = self._taken
            if batch is None:  # the backlog was put away meanwhile; it may be delivered twice
                return
            self._taken = None
            self._away = False
            if self._taken_from_spool and self._spool is not None:
                self._spool.pop()
            self._acknowledged[batch.signal] += batch.items - rejected
            if rejected:
                self._lost[batch.signal][reason] += rejected

    def give_back(self) -> None:
        """The destination did not take the batch: it is away, so what waits is put on disk."""
        with self._lock:
            self._away = True
            self._untake()
            self._spill()
            self._bound()

    def put_away(self, reason: str) -> None:
        """Put all that waits on disk. What can not be is lost, with that reason."""
        with self._lock:
            self._untake()
            self._spill()
            while self._waiting:
                self._lose(self._waiting.popleft(), reason)

    def close(self) -> None:
        """Nothing is given out any more. What is on disk stays there."""
        with self._lock:
            self._closed = True
            if self._spool is not None:
                self._spool.close()

    @property
    def empty(self) -> bool:
        with self._lock:
            in_spool = self._spool is not None and not self._spool.empty
            return not self._waiting and self._taken is None and not in_spool

    @property
    def spool_peak_bytes(self) -> int:
        return 0 if self._spool is None else self._spool.peak_bytes

    def note_lost(self, signal: str, reason: str, items: int) -> None:
        """Items that ended and were lost before they could become a batch."""
        with self._lock:
            self._ended[signal] += items
            self._lost[signal][reason] += items

    def ledger(self, signal: str) -> Ledger:
        """So far; while anything waits in memory it does not close."""
        with self._lock:
            return Ledger(
                self._ended[signal],
                self._acknowledged[signal],
                dict(self._lost[signal]),
                0 if self._spool is None else self._spool.items(signal),
            )

    def _untake(self) -> None:
        if self._taken is not None and not self._taken_from_spool:
            self._waiting.appendleft(self._taken)
            self._bytes += len(self._taken.body)
        self._taken = None

    def _spill(self) -> None:
        """Memory to disk, oldest first, as far as the disk takes it."""
        while self._spool is not None and self._waiting:
            batch = self._waiting[0]
            try:
                fits = self._spool.append(Frame(batch.signal, batch.items, batch.body))
            except OSError as error:
                self._say(error)
                return
            self._say(None)
            self._waiting.popleft()
            if fits:
                self._bytes -= len(batch.body)
            else:
                self._lose(batch, SPOOL_FULL)

    def _bound(self) -> None:
        """What neither disk nor memory holds is dropped, newest first: the older are a series."""
        limit = self._memory_bytes if self._spool is None else self._fallback_bytes
        reason = MEMORY_FULL if self._spool is None else SPOOL_DISK_FULL
        while self._bytes > limit and self._waiting:
            self._lose(self._waiting.pop(), reason)

    def _lose(self, batch: Batch, reason: str) -> None:
        self._bytes -= len(batch.body)
        self._lost[batch.signal][reason] += batch.items

    def _damaged(self, signal: str, items: int) -> None:
        self._lost[signal][SPOOL_DAMAGED] += items

    def _say(self, error: OSError | None) -> None:
        """Once when the disk begins to fail, once when it is well again."""
        if self._disk_fails == (error is not None):
            return
        self._disk_fails = error is not None
        words = "spooling again" if error is None else f"can not spool ({error}); kept in memory"
        print(f"ovl telemetry: {words}", file=sys.stderr)
