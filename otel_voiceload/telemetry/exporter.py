"""Delivery until acknowledged: every batch ends up stored by the collector or in a named loss.

The stock batch processor gives a batch up after ten seconds and drops what overflows with a log
line; it lost two thirds of the spans of a minute's outage. Here a batch is retried for as long as
the run lasts and then until the final deadline. What is left by then stays in the spool, to be
delivered by the next collector of the store, and whatever is lost is counted by its reason.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from otel_voiceload.telemetry.backlog import Backlog
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.posting import Answer, Poster

UNACKNOWLEDGED = "unacknowledged_at_end"

_FIRST_BACKOFF_S = 0.1
_POST_TIMEOUT_S = 10.0
_LONGEST_RETRY_AFTER_S = 30.0
_IDLE_S = 0.2  # only a net below the wake-up of ``offer``


@dataclass(frozen=True, slots=True)
class Totals:
    """The ledger of one destination's spans, once it is closed.

    ended = acknowledged + every loss + what waits in the spool. ``copy`` is the ledger of the
    user's own back end, when there is one.
    """

    ended: int
    acknowledged: int
    lost: dict[str, int] = field(default_factory=dict)
    copy: Totals | None = None
    spooled: int = 0  # on disk, to be delivered later
    spool_peak_bytes: int = field(default=0, compare=False)
    away_s: float = field(default=0.0, compare=False)  # it took nothing, all outages together

    @property
    def unexplained(self) -> int:
        """Zero when the ledger closes."""
        return self.ended - self.acknowledged - sum(self.lost.values()) - self.spooled


class Exporter:
    """One destination: a backlog, a poster and the thread between them.

    ``max_backoff_s`` is short for the local collector, whose restart should be noticed soon.
    """

    def __init__(
        self,
        poster: Poster,
        backlog: Backlog,
        *,
        max_backoff_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._poster = poster
        self._backlog = backlog
        self._max_backoff_s = max_backoff_s
        self._clock = clock
        self._backoff_s = _FIRST_BACKOFF_S
        self._deadline_s: float | None = None
        self._away_since_s: float | None = None
        self._away_s = 0.0
        self._wake = threading.Event()
        self._progress = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, batch: Batch) -> None:
        """Take a batch over; never blocks."""
        self._backlog.put(batch)
        self._wake.set()

    def note_lost(self, reason: str, spans: int) -> None:
        self._backlog.note_lost("traces", reason, spans)

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged; at the deadline the rest is put on disk."""
        deadline_s = self._deadline_s = self._clock() + timeout_s
        self._wake.set()
        while not self._backlog.empty and (left_s := deadline_s - self._clock()) > 0:
            self._progress.wait(min(left_s, _IDLE_S))
            self._progress.clear()
        complete = self._backlog.empty
        self._backlog.put_away(UNACKNOWLEDGED)
        self._deadline_s = None
        return complete

    def close(self) -> None:
        """Stop sending. A post under way is left to the daemon thread; its batch is counted."""
        self._stopping.set()
        self._wake.set()
        self._backlog.put_away(UNACKNOWLEDGED)
        self._backlog.close()
        self._thread.join(timeout=0.5)
        if not self._thread.is_alive():
            self._poster.close()

    def totals(self) -> Totals:
        ledger = self._backlog.ledger("traces")
        since_s = self._away_since_s
        return Totals(
            ended=ledger.ended,
            acknowledged=ledger.acknowledged,
            lost=ledger.lost,
            spooled=ledger.spooled,
            spool_peak_bytes=self._backlog.spool_peak_bytes,
            away_s=self._away_s + (0.0 if since_s is None else self._clock() - since_s),
        )

    def step(self) -> float:
        """Try the oldest batch once; returns the seconds to wait before the next try."""
        batch = self._backlog.take()
        if batch is None:
            return 0.0
        asked_s = self._clock()
        try:
            answer = self._poster.post(batch, self._timeout_s())
        except OSError:
            answer = Answer(retry=True)
        except Exception as error:  # a bug of ours must not end the thread and with it all spans
            answer = Answer(rejected=batch.items, reason=f"internal_{type(error).__name__}")
        if not answer.retry:
            self._backlog.settle(answer.rejected, answer.reason)
            self._backoff_s = _FIRST_BACKOFF_S
            if self._away_since_s is not None:
                self._away_s += self._clock() - self._away_since_s
                self._away_since_s = None
            return 0.0
        if self._away_since_s is None:
            self._away_since_s = asked_s
        self._backlog.give_back()
        wait_s = max(self._backoff_s, min(answer.retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S))
        self._backoff_s = min(self._backoff_s * 2, self._max_backoff_s)
        return wait_s

    def _timeout_s(self) -> float:
        deadline_s = self._deadline_s
        if deadline_s is None:
            return _POST_TIMEOUT_S
        return min(_POST_TIMEOUT_S, max(0.1, deadline_s - self._clock()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            wait_s = self.step()
            self._progress.set()
            if self._backlog.empty:
                self._wake.wait(_IDLE_S)
            elif wait_s > 0:
                self._stopping.wait(wait_s)  # a backoff: new batches do not shorten it
