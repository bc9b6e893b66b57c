"""The way out of a worker: a thread that writes to a pipe, so that the event loop never does.

A pipe whose reader is slow blocks its writer. In the loop that would stop the voice of every call,
and the generator would measure its own telemetry. So the loop only appends to a bounded list; what
does not fit is dropped, oldest first, and counted by reason.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from otel_voiceload.model import Record
from otel_voiceload.telemetry.process import Dropped, Message
from otel_voiceload.telemetry.spans import span_count

PIPE_FULL = "pipe_full"
TELEMETRY_GONE = "telemetry_gone"
RECORDS_EVERY_S = 0.25
MAX_RECORDS = 20_000  # about ten minutes of a hundred calls
_RECORDS_PER_MESSAGE = 500

T = TypeVar("T")


class PipeWriter(Generic[T]):
    """Hands items to ``send`` in a thread of its own, in order, every so often.

    ``send`` may block for as long as it likes, and raises OSError when nobody reads any more.
    ``dropped`` hears of every item that was not sent, with the reason.
    """

    def __init__(
        self,
        send: Callable[[list[T]], None],
        dropped: Callable[[T, str], None],
        *,
        every_s: float,
        max_items: int,
        at_a_time: int,
    ) -> None:
        self._send = send
        self._dropped = dropped
        self._every_s = every_s
        self._max_items = max_items
        self._at_a_time = at_a_time
        self._waiting: deque[T] = deque()
        self._sending: list[T] = []
        self._gone = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Never blocks. Only from one thread."""
        if self._gone:
            self._dropped(item, TELEMETRY_GONE)
            return
        if len(self._waiting) >= self._max_items:
            self._dropped(self._waiting.popleft(), PIPE_FULL)
        self._waiting.append(item)

    def close(self, timeout_s: float) -> bool:
        """Send what waits; what the reader does not take in time is dropped.

        False when the thread still sits in ``send``: nobody else may use its pipe then.
        """
        self._closing.set()
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            return True
        self._gone = True
        for item in (*self._sending, *self._waiting):
            self._dropped(item, PIPE_FULL)
        self._waiting.clear()
        return False

    def _run(self) -> None:
        while not self._closing.wait(self._every_s):
            self._empty()
        self._empty()

    def _empty(self) -> None:
        while self._waiting and not self._gone:
            self._sending = items = self._take()
            try:
                self._send(items)
            except OSError:
                self._gone = True
                for item in items:
                    self._dropped(item, TELEMETRY_GONE)
                while self._waiting:
                    self._dropped(self._waiting.popleft(), TELEMETRY_GONE)
            self._sending = []

    def _take(self) -> list[T]:
        items: list[T] = []
        # Single appends and pops of a deque are atomic; the loop's thread may drop beside us.
        with contextlib.suppress(IndexError):
            while len(items) < self._at_a_time:
                items.append(self._waiting.popleft())
        return items


class RecordOutbox:
    """Records to the telemetry process, with the ledger of those that never got there.

    ``spans_ended`` counts what was put, told to the runner each second: what waits here when the
    process is killed is in nobody else's count.
    """

    def __init__(
        self,
        pipe: Connection,
        *,
        every_s: float = RECORDS_EVERY_S,
        max_records: int = MAX_RECORDS,
    ) -> None:
        self.spans_ended = 0
        self._pipe = pipe
        self._lock = threading.Lock()
        self._untold: Counter[str] = Counter()  # spans by reason
        self._writer = PipeWriter[Record](
            self._send,
            self._count,
            every_s=every_s,
            max_items=max_records,
            at_a_time=_RECORDS_PER_MESSAGE,
        )

    def put(self, record: Record) -> None:
        self.spans_ended += span_count(record)
        self._writer.put(record)

    def close(self, timeout_s: float = 5.0) -> dict[str, int]:
        """Send the rest and end the pipe; lost spans that telemetry could not be told of."""
        if self._writer.close(timeout_s):
            with contextlib.suppress(OSError):
                self._tell()
            self._pipe.close()
        return dict(self._untold)

    def _send(self, records: list[Record]) -> None:
        message: Message = records
        self._pipe.send(message)
        self._tell()

    def _tell(self) -> None:
        for reason, spans in tuple(self._untold.items()):
            self._pipe.send(Dropped(reason, spans))
            with self._lock:
                self._untold -= Counter({reason: spans})

    def _count(self, record: Record, reason: str) -> None:
        with self._lock:
            self._untold += Counter({reason: span_count(record)})
