"""One export request over a socket, and what its answer means.

Which answers may be retried is OTLP's own list; everything else is final, because a request that a
collector can not read stays unreadable. Answers are read up to a small limit: a collector could
otherwise fill the generator's memory.
"""

from __future__ import annotations

import gzip
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_voiceload.telemetry.batches import Batch, Signal

RETRYABLE_STATUS = frozenset({429, 502, 503, 504})
MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt.

    ``retry`` says that the batch was not taken now and may be later, not before ``retry_after_s``.
    Otherwise it is settled, and ``rejected`` of its items were lost for ``reason``.
    """

    retry: bool = False
    retry_after_s: float | None = None
    rejected: int = 0
    reason: str = ""


class Poster(Protocol):
    """Sends a batch once. Raises OSError when the connection fails: then a retry is due."""

    def post(self, batch: Batch, timeout_s: float) -> Answer: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the batches of each signal go; a signal without a URL is not sent.

    ``headers`` may hold secrets and stay out of ``repr``.
    """

    urls: Mapping[Signal, str]
    protocol: str = "http/protobuf"  # or "grpc", whose URL is only http(s)://host:port
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    gzip: bool = False
    certificate: str | None = None  # file with the CA that the endpoint is checked against

    @property
    def place(self) -> str:
        """The address without what may be secret in it, to tell endpoints apart."""
        parts = urlsplit(next(iter(self.urls.values()), ""))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def problems(self) -> list[str]:
        found = []
        if self.protocol not in ("http/protobuf", "grpc"):
            found.append(
                f"OTLP protocol {self.protocol!r} is not spoken; use http/protobuf or grpc"
            )
        for url in self.urls.values():
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                found.append(
                    f"OTLP endpoint {url!r} is not http(s)://host[:port]; correct the address"
                )
        # Found out later, each would cost every batch of the run, one by one.
        for name, value in self.headers.items():
            if not name.isascii() or not value.isascii() or set(name + value) & set("\r\n\0"):
                found.append(f"the OTLP header {name!r} has characters that no header may have")
        if self.certificate is not None:
            try:
                ssl.create_default_context(cafile=self.certificate)
            except OSError as error:
                reason = error.strerror or error
                found.append(f"the CA file {self.certificate} can not be used: {reason}")
        return found


def collector_endpoint(
    base_url: str, headers: Mapping[str, str] | None = None, certificate: str | None = None
) -> Endpoint:
    """Both signals of an OTLP/HTTP collector; compressed only where bytes leave this machine."""
    base = base_url.rstrip("/")
    host = urlsplit(base).hostname or ""
    return Endpoint(
        urls={"traces": f"{base}/v1/traces", "metrics": f"{base}/v1/metrics"},
        headers=headers or {},
        certificate=certificate,
        gzip=host != "localhost" and host != "::1" and not host.startswith("127."),
    )


class HttpPoster:
    """OTLP/HTTP with protobuf bodies over one kept-alive connection per signal."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connections: dict[Signal, http.client.HTTPConnection] = {}

    def post(self, batch: Batch, timeout_s: float) -> Answer:
        url = urlsplit(self._endpoint.urls[batch.signal])
        body, headers = batch.body, {"content-type": "application/x-protobuf"}
        if self._endpoint.gzip:
            body = gzip.compress(body, 1, mtime=0)  # no time in it: a resend stays identical
            headers["content-encoding"] = "gzip"
        connection = self._connection(batch.signal, timeout_s)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            connection.request("POST", path, body, {**headers, **self._endpoint.headers})
            response = connection.getresponse()
            answer = response.read(MAX_ANSWER_BYTES)
            if response.read(1):
                self._drop(batch.signal)  # more is coming; do not wait for it
        except http.client.HTTPException as error:
            self._drop(batch.signal)
            raise ConnectionError(f"{url.netloc} did not answer in HTTP: {error!r}") from error
        except OSError:
            self._drop(batch.signal)
            raise
        return judge(batch, response.status, response.getheader("retry-after"), answer)

    def close(self) -> None:
        for signal in tuple(self._connections):
            self._drop(signal)

    def _connection(self, signal: Signal, timeout_s: float) -> http.client.HTTPConnection:
        connection = self._connections.get(signal)
        if connection is None:
            url = urlsplit(self._endpoint.urls[signal])
            host = url.hostname or ""
            if url.scheme == "https":
                context = ssl.create_default_context(cafile=self._endpoint.certificate)
                connection = http.client.HTTPSConnection(
                    host, url.port, timeout=timeout_s, context=context
                )
            else:
                connection = http.client.HTTPConnection(host, url.port, timeout=timeout_s)
            self._connections[signal] = connection
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        return connection

    def _drop(self, signal: Signal) -> None:
        connection = self._connections.pop(signal, None)
        if connection is not None:
            connection.close()


def judge(batch: Batch, status: int, retry_after: str | None, body: bytes) -> Answer:
    """What an HTTP answer means for its batch."""
    if 200 <= status < 300:
        return judge_body(batch, body)
    if status in RETRYABLE_STATUS:
        return Answer(retry=True, retry_after_s=_seconds(retry_after), reason=f"http_{status}")
    return Answer(rejected=batch.items, reason=f"http_{status}")


def judge_body(batch: Batch, body: bytes) -> Answer:
    """A success may still have left items out. One that can not be read is taken for a full one."""
    try:
        if batch.signal == "traces":
            rejected = ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans
        else:
            rejected = ExportMetricsServiceResponse.FromString(
                body
            ).partial_success.rejected_data_points
    except DecodeError:
        rejected = 0
    rejected = min(max(0, int(rejected)), batch.items)
    return Answer(rejected=rejected, reason="rejected" if rejected else "")


def _seconds(retry_after: str | None) -> float | None:
    # The other form, an HTTP date, asks the two clocks to agree; the backoff does as well.
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return float(retry_after.strip())
