"""OTLP/gRPC for a back end of the user's that speaks nothing else; loaded only when asked for.

The batch is already encoded, so the call passes raw bytes through without a stub.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc

from otel_voiceload.telemetry.batches import Batch, Signal
from otel_voiceload.telemetry.posting import Answer, Endpoint, judge_body

_METHODS: dict[Signal, str] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
        # Only with a RetryInfo by the letter of OTLP; a quota that frees itself is the common case.
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


class GrpcPoster:
    """One channel per signal's address."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._channels: dict[str, Any] = {}  # Any: grpc publishes no types

    def post(self, batch: Batch, timeout_s: float) -> Answer:
        export = self._channel(self._endpoint.urls[batch.signal]).unary_unary(
            _METHODS[batch.signal]
        )
        try:
            body: bytes = export(
                batch.body,
                timeout=timeout_s,
                metadata=[(k.lower(), v) for k, v in self._endpoint.headers.items()],
                compression=grpc.Compression.Gzip if self._endpoint.gzip else None,
            )
        except grpc.RpcError as error:
            code = error.code()
            reason = f"grpc_{code.name.lower()}"
            if code in _RETRYABLE:
                return Answer(retry=True, reason=reason)
            return Answer(rejected=batch.items, reason=reason)
        return judge_body(batch, body)

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()

    def _channel(self, url: str) -> Any:
        parts = urlsplit(url)
        if url not in self._channels:
            port = parts.port or 4317
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            place = f"{host}:{port}"
            if parts.scheme == "https":
                ca = self._endpoint.certificate
                roots = None if ca is None else Path(ca).read_bytes()
                credentials = grpc.ssl_channel_credentials(root_certificates=roots)
                self._channels[url] = grpc.secure_channel(place, credentials)
            else:
                self._channels[url] = grpc.insecure_channel(place)
        return self._channels[url]
