"""Clients under a fault: batches of unique spans, and exactly which of them were acknowledged.

A batch is one request with spans that no other request has, so that afterwards every span can be
asked for by name: acknowledged ones must be there once, the others once or not at all. Every second
client speaks OTLP/gRPC, the others OTLP/HTTP; statuses are those of HTTP for both.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from typing import Protocol

import grpc

from tests.collector.processes import Served, post, read_answer
from tests.collector.requests import span_id, traces

WAIT_S = 90.0  # with a busy machine
SIZE = 20  # spans per batch
_REQUESTS_PER_CLIENT = 1_000_000
_RETRY_S = 0.05  # between attempts, so that a refusing collector is not hammered
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
# A connection of its own for each client, and one that is soon tried again.
_CHANNEL = [
    ("grpc.use_local_subchannel_pool", 1),
    *((f"grpc.{name}_reconnect_backoff_ms", 50) for name in ("initial", "min", "max")),
]
_RETRY_INFO = "google.rpc.retryinfo-bin"
_OTHER_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 413,
    grpc.StatusCode.INTERNAL: 500,
}


def batch(first: int) -> bytes:
    """The request whose spans have the ids ``first`` ... ``first + SIZE - 1``."""
    return traces(SIZE, first=first, attributes={"session.id": "s", "n": first}).SerializeToString()


def span_ids(firsts: Iterable[int]) -> set[str]:
    """Hex ids of the spans of these batches, as the views show them."""
    return {span_id(first + number).hex() for first in firsts for number in range(SIZE)}


class Client(Protocol):
    """One connection. ``send`` gives the answer's status, or raises OSError when none came."""

    def send(self, body: bytes) -> int: ...

    def close(self) -> None: ...


class HttpClient:
    """Connects at its first request, and again after an error."""

    name = "http"

    def __init__(self, served: Served, timeout_s: float) -> None:
        self._served, self._timeout_s = served, timeout_s
        self._connection: socket.socket | None = None

    def send(self, body: bytes) -> int:
        try:
            if self._connection is None:
                self._connection = self._served.connect()
                self._connection.settimeout(self._timeout_s)
            self._connection.sendall(post(body))
            return read_answer(self._connection)[0]
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class GrpcClient:
    """An UNAVAILABLE with RetryInfo is the collector's own word; one without is no answer."""

    name = "grpc"

    def __init__(self, served: Served, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(served.grpc, options=_CHANNEL)
        self._export = self._channel.unary_unary(EXPORT)

    def send(self, body: bytes) -> int:
        try:
            self._export(body, timeout=self._timeout_s)
        except grpc.RpcError as error:
            if error.code() in _OTHER_CODES:
                return _OTHER_CODES[error.code()]
            if _RETRY_INFO in dict(error.trailing_metadata() or ()):
                return 503
            raise ConnectionError(f"{error.code()}: {error.details()}") from error
        return 200

    def close(self) -> None:
        self._channel.close()


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
        self.answered: set[tuple[str, int]] = set()  # protocol and status
        self.broken = 0  # connections that broke or timed out
        self.latencies_s: list[float] = []
        self.last_ack_mono_s = 0.0
        self._served = served
        self._patient = patient
        self._timeout_s = timeout_s
        self._stopping = threading.Event()
        self._progress = threading.Condition()
        kinds = [HttpClient if number % 2 == 0 else GrpcClient for number in range(clients)]
        self._protocols = {kind.name for kind in kinds}
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(kind, 1 + (origin + number) * _REQUESTS_PER_CLIENT),
                daemon=True,
            )
            for number, kind in enumerate(kinds)
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
        """Until it was answered over every protocol that the clients speak."""
        wanted = {(name, status) for name in self._protocols}
        with self._progress:
            assert self._progress.wait_for(lambda: wanted <= self.answered, WAIT_S), (
                f"not everybody was answered {status}: {self.answered}, {self.statuses}"
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

    def _run(self, kind: type[HttpClient] | type[GrpcClient], first: int) -> None:
        client = kind(self._served, self._timeout_s)
        try:
            while not self._stopping.is_set():
                with self._progress:
                    self.sent.add(first)
                if not self._deliver(client, kind.name, first):
                    return
                first += SIZE
        finally:
            client.close()

    def _deliver(self, client: Client, protocol: str, first: int) -> bool:
        """Whether the client goes on: a patient one does not come back without an answer."""
        body, begun = batch(first), time.monotonic()
        while True:
            try:
                status = client.send(body)
            except OSError:
                with self._progress:
                    self.broken += 1
                if not self._patient:
                    return False
            else:
                self._note(first, protocol, status, time.monotonic() - begun)
                if status == 200 or not self._patient:
                    return True
            self._stopping.wait(_RETRY_S)

    def _note(self, first: int, protocol: str, status: int, seconds: float) -> None:
        with self._progress:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.answered.add((protocol, status))
            if status == 200:
                self.acked.add(first)
                self.latencies_s.append(seconds)
                self.last_ack_mono_s = time.monotonic()
            self._progress.notify_all()


def send_again(served: Served, firsts: Iterable[int]) -> None:
    """The same requests byte by byte, as a client does that got no answer."""
    with served.connect() as connection:
        for first in firsts:
            connection.sendall(post(batch(first)))
            assert read_answer(connection)[0] == 200
