"""Clients under a fault: batches of unique spans, and exactly which of them were acknowledged.

A batch is one request with spans that no other request has, so that afterwards every span can be
asked for by name: acknowledged ones must be there once, the others once or not at all.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable

from tests.collector.processes import Served, post, read_answer
from tests.collector.requests import span_id, traces

WAIT_S = 30.0
SIZE = 20  # spans per batch
_REQUESTS_PER_CLIENT = 1_000_000
_RETRY_S = 0.05  # between attempts, so that a refusing collector is not hammered


def batch(first: int) -> bytes:
    """The request whose spans have the ids ``first`` ... ``first + SIZE - 1``."""
    return traces(SIZE, first=first, attributes={"session.id": "s", "n": first}).SerializeToString()


def span_ids(firsts: Iterable[int]) -> set[str]:
    """Hex ids of the spans of these batches, as the views show them."""
    return {span_id(first + number).hex() for first in firsts for number in range(SIZE)}


class Load:
    """Clients that send one batch after the other until told to stop or their collector is gone.

    ``patient`` clients send a batch again, on a new connection when need be, until it is
    acknowledged; others give up at the first broken connection.
    """

    def __init__(
        self,
        served: Served,
        *,
        clients: int = 4,
        origin: int = 0,
        patient: bool = False,
        timeout_s: float = WAIT_S,
    ) -> None:
        self.sent: set[int] = set()
        self.acked: set[int] = set()
        self.statuses: dict[int, int] = {}
        self.broken = 0  # connections that broke or timed out
        self.latencies_s: list[float] = []
        self.last_ack_mono_s = 0.0
        self._served = served
        self._patient = patient
        self._timeout_s = timeout_s
        self._stopping = threading.Event()
        self._progress = threading.Condition()
        self._threads = [
            threading.Thread(
                target=self._run, args=(1 + (origin + number) * _REQUESTS_PER_CLIENT,), daemon=True
            )
            for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def outstanding(self) -> set[int]:
        """Batches that were sent and have no answer."""
        with self._progress:
            return self.sent - self.acked

    def wait_for(self, batches: int) -> None:
        """Until so many more batches than now are acknowledged."""
        with self._progress:
            wanted = len(self.acked) + batches
            assert self._progress.wait_for(lambda: len(self.acked) >= wanted, WAIT_S), (
                f"{len(self.acked)} of {wanted} batches were acknowledged: {self.statuses}"
            )

    def wait_for_status(self, status: int) -> None:
        with self._progress:
            assert self._progress.wait_for(lambda: status in self.statuses, WAIT_S), (
                f"no answer {status}, but {self.statuses}"
            )

    def stop(self) -> set[int]:
        """Lets every client finish its batch; what was acknowledged in all."""
        self._stopping.set()
        return self.join()

    def join(self) -> set[int]:
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive(), "a client hangs"
        return self.acked

    def _run(self, first: int) -> None:
        connection: socket.socket | None = None
        while not self._stopping.is_set():
            body = post(batch(first))
            with self._progress:
                self.sent.add(first)
            begun = time.monotonic()
            while first not in self.acked:
                try:
                    if connection is None:
                        connection = self._served.connect()
                        connection.settimeout(self._timeout_s)
                    connection.sendall(body)
                    status, _, _ = read_answer(connection)
                except OSError:
                    connection = _closed(connection)
                    with self._progress:
                        self.broken += 1
                    if not self._patient:
                        return
                    self._stopping.wait(_RETRY_S)
                    continue
                self._note(first, status, time.monotonic() - begun)
                if status != 200:
                    if not self._patient:
                        break
                    self._stopping.wait(_RETRY_S)
            first += SIZE
        _closed(connection)

    def _note(self, first: int, status: int, seconds: float) -> None:
        with self._progress:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 200:
                self.acked.add(first)
                self.latencies_s.append(seconds)
                self.last_ack_mono_s = time.monotonic()
            self._progress.notify_all()


def _closed(connection: socket.socket | None) -> None:
    if connection is not None:
        connection.close()


def send_again(served: Served, firsts: Iterable[int]) -> None:
    """The same requests byte by byte, as a client does that got no answer."""
    with served.connect() as connection:
        for first in firsts:
            connection.sendall(post(batch(first)))
            assert read_answer(connection)[0] == 200
