"""A copy of everything that was stored, sent on to another OTLP/HTTP endpoint.

It comes after the acknowledgement and never delays one: the queue is bounded in bytes, what does
not fit is dropped and counted, and a dead endpoint costs nothing but its copies. Bodies go as they
came, in their own encoding, in order, one at a time.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

from ovl_collector.decoded import Signal
from ovl_collector.errors import UsageError

QUEUE_BYTES: Final = 16 * 2**20
_TIMEOUT_S: Final = 10.0
_RETRIABLE: Final = frozenset({429, 502, 503, 504})
_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 5.0
_DRAIN_S: Final = 5.0
_MAX_ANSWER_BYTES: Final = 64 * 1024  # an endpoint must not fill our memory with its answer

Post = Callable[[str, bytes, Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class Destination:
    """``url`` is the base: ``/v1/traces`` and ``/v1/metrics`` are added. Headers may be secrets."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def problems(self) -> list[str]:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return [f"--forward {self.shown!r} is no OTLP/HTTP endpoint; write http://host:4318"]
        if parts.username or parts.password:
            return ["--forward takes no user in its address; use --forward-header"]
        return []

    @property
    def shown(self) -> str:
        """For messages: without a user and without a query."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"


def parse_header(text: str, read_secret: Callable[[str], str]) -> tuple[str, str]:
    """``Name: value`` or ``Name: env:VARIABLE``. Raises UsageError, without the value."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not value.strip() or "\n" in text or "\r" in text:
        raise UsageError("--forward-header wants 'Name: value' or 'Name: env:VARIABLE'")
    return name.strip(), read_secret(value.strip())


@dataclass(frozen=True, slots=True)
class _Copy:
    signal: Signal
    body: bytes
    json: bool


class Copies(Protocol):
    """Where the receiver puts what was stored."""

    def offer(self, signal: Signal, body: bytes, *, json: bool) -> None: ...


class Forwarder:
    """``offer`` never blocks and may be called from any thread; one thread sends."""

    def __init__(
        self,
        destination: Destination,
        *,
        post: Post | None = None,
        queue_bytes: int = QUEUE_BYTES,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._destination = destination
        self._post = post or Connection(destination).post
        self._queue_bytes = queue_bytes
        self._mono_s = mono_s
        self._queue: deque[_Copy] = deque()
        self._used_bytes = 0
        self._counts: Counter[str] = Counter()
        self._wake = threading.Condition()
        self._drain_until_s: float | None = None
        self._is_down = False
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, signal: Signal, body: bytes, *, json: bool) -> None:
        with self._wake:
            if self._used_bytes + len(body) > self._queue_bytes:
                self._counts["dropped"] += 1
                return
            self._used_bytes += len(body)
            self._queue.append(_Copy(signal, body, json))
            self._wake.notify()

    def close(self) -> None:
        """Sends what is queued, for a few seconds at most; the rest is counted as dropped."""
        with self._wake:
            self._drain_until_s = self._mono_s() + _DRAIN_S
            self._wake.notify()
        self._thread.join(_DRAIN_S + _TIMEOUT_S)
        with self._wake:
            self._counts["dropped"] += len(self._queue)
            self._queue.clear()
            dropped = self._counts["dropped"] + self._counts["refused"]
        if dropped:
            print(
                f"ovl-collector: {dropped} stored requests were not forwarded to "
                f"{self._destination.shown}",
                file=sys.stderr,
            )

    def stats(self) -> dict[str, int]:
        """Requests: sent, refused by the endpoint for good, dropped for want of room or time."""
        with self._wake:
            counts = {name: self._counts[name] for name in ("sent", "refused", "dropped")}
            return {**counts, "queued": len(self._queue), "queue_bytes": self._used_bytes}

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and self._drain_until_s is None:
                    self._wake.wait()
                if not self._queue:
                    return
                head = self._queue[0]
            if not self._send(head):
                return
            with self._wake:
                self._queue.popleft()
                self._used_bytes -= len(head.body)

    def _send(self, item: _Copy) -> bool:
        """True once the endpoint has decided about it; False when time ran out."""
        delay_s = _FIRST_DELAY_S
        while True:
            content_type = "application/json" if item.json else "application/x-protobuf"
            headers = {**dict(self._destination.headers), "content-type": content_type}
            try:
                status = self._post(f"/v1/{item.signal}", item.body, headers)
            except (OSError, http.client.HTTPException) as error:
                self._tell(type(error).__name__)
            else:
                if status < 300:
                    self._is_down = False
                    self._counts["sent"] += 1
                    return True
                if status not in _RETRIABLE:
                    self._tell(f"HTTP {status}")
                    self._counts["refused"] += 1
                    return True
                self._tell(f"HTTP {status}")
            with self._wake:
                wait_s = delay_s
                if self._drain_until_s is not None:
                    left_s = self._drain_until_s - self._mono_s()
                    if left_s <= 0:
                        return False
                    wait_s = min(wait_s, left_s)
                self._wake.wait(wait_s)
            delay_s = min(_LONGEST_DELAY_S, 2 * delay_s)

    def _tell(self, why: str) -> None:
        if not self._is_down:
            self._is_down = True
            shown = self._destination.shown
            print(f"ovl-collector: can not forward to {shown}: {why}", file=sys.stderr)


class Connection:
    """Keeps one connection to the endpoint. Follows no redirects and asks no proxy."""

    def __init__(self, destination: Destination) -> None:
        parts = urlsplit(destination.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._prefix = parts.path.rstrip("/")
        self._connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The answer's status. Raises OSError or HTTPException."""
        try:
            self._connection.request("POST", self._prefix + path, body, dict(headers))
            response = self._connection.getresponse()
            if len(response.read(_MAX_ANSWER_BYTES)) == _MAX_ANSWER_BYTES:
                self._connection.close()
            return response.status
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
