"""Counts of everything that came to the door: received = stored + resent + rejected + refused.

Stored and rejected counts go to ``batches`` with the spans themselves. What never became a batch is
kept here until the writer's next commit takes it to ``losses``. Counters are of this process.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ovl_collector.decoded import Row

_LATENCIES: Final = 2048


@dataclass(slots=True)
class SignalCounts:
    """Items are spans or metric data points."""

    requests: int = 0
    received: int = 0
    stored: int = 0
    rejected: int = 0
    resent: int = 0
    reject_reasons: Counter[str] = field(default_factory=Counter)
    refused_requests: Counter[str] = field(default_factory=Counter)
    refused_items: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "received": self.received,
            "stored": self.stored,
            "rejected": self.rejected,
            "resent": self.resent,
            "reject_reasons": dict(self.reject_reasons),
            "refused_requests": dict(self.refused_requests),
            "refused_items": dict(self.refused_items),
        }


class Ledger:
    """Safe to use from any thread."""

    def __init__(self, now_unix_ns: Callable[[], int]) -> None:
        self._now_unix_ns = now_unix_ns
        self._lock = threading.Lock()
        self._signals: dict[str, SignalCounts] = {}
        self._pending: Counter[tuple[str, str]] = Counter()  # requests, by (signal, reason)
        self._pending_items: dict[tuple[str, str], int] = {}
        self._commit_seconds: deque[float] = deque(maxlen=_LATENCIES)
        self._commits = 0

    def answered(
        self, signal: str, *, received: int, stored: int, reasons: dict[str, int], resend: bool
    ) -> None:
        """One request was committed and is about to be acknowledged."""
        with self._lock:
            counts = self._signals.setdefault(signal, SignalCounts())
            rejected = sum(reasons.values())
            counts.requests += 1
            counts.received += received
            counts.stored += stored
            counts.rejected += rejected
            counts.resent += received - rejected if resend else 0
            counts.reject_reasons.update(reasons)

    def refused(self, signal: str, reason: str, items: int | None = None) -> None:
        """One request was answered with an error; ``items`` is None when it was not parsed."""
        with self._lock:
            counts = self._signals.setdefault(signal, SignalCounts())
            counts.refused_requests[reason] += 1
            self._pending[signal, reason] += 1
            if items is not None:
                counts.refused_items[reason] += items
                key = (signal, reason)
                self._pending_items[key] = self._pending_items.get(key, 0) + items

    def committed(self, seconds: float) -> None:
        with self._lock:
            self._commits += 1
            self._commit_seconds.append(seconds)

    def take_losses(self) -> list[Row]:
        """Rows for ``losses``; hand them back with ``return_losses`` when they were not stored."""
        with self._lock:
            now = self._now_unix_ns()
            rows = [
                (now, signal, reason, requests, self._pending_items.get((signal, reason)))
                for (signal, reason), requests in self._pending.items()
            ]
            self._pending.clear()
            self._pending_items.clear()
            return rows

    def return_losses(self, rows: list[Row]) -> None:
        with self._lock:
            for _, signal, reason, requests, items in rows:
                key = (signal, reason)
                self._pending[key] += requests
                if items is not None:
                    self._pending_items[key] = self._pending_items.get(key, 0) + items

    @property
    def has_losses(self) -> bool:
        return bool(self._pending)

    def as_dict(self) -> dict[str, Any]:
        with self._lock:
            seconds = sorted(self._commit_seconds)
            return {
                "signals": {name: counts.as_dict() for name, counts in self._signals.items()},
                "commits": self._commits,
                "commit_p50_s": seconds[len(seconds) // 2] if seconds else None,
                "commit_p99_s": seconds[int(len(seconds) * 0.99)] if seconds else None,
                "commit_max_s": seconds[-1] if seconds else None,
            }
