from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.grpc_posting import GrpcPoster
from otel_voiceload.telemetry.posting import Answer, Endpoint
from otel_voiceload.telemetry.process import open_poster

TRACES = Batch("traces", b"spans", 10)


@contextmanager
def back_end(status: grpc.StatusCode | None = None) -> Iterator[tuple[str, list[Any]]]:
    seen: list[Any] = []

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc publishes no types
        def service(self, details: Any) -> Any:
            def answer(body: bytes, context: Any) -> bytes:
                seen.append((details.method, dict(details.invocation_metadata), body))
                if status is not None:
                    context.abort(status, "no")
                return b""

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(ThreadPoolExecutor(1), handlers=(Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}", seen
    finally:
        server.stop(0).wait()


def test_encoded_batches_pass_through_to_the_service_of_their_signal() -> None:
    with back_end() as (url, seen):
        endpoint = Endpoint({"traces": url, "metrics": url}, "grpc", headers={"X-Key": "k"})
        poster = open_poster(endpoint)
        assert isinstance(poster, GrpcPoster)
        assert poster.post(TRACES, 60.0) == poster.post(Batch("metrics", b"m", 1), 60.0) == Answer()
        poster.close()
    assert [(method.split(".")[-1], body) for method, _, body in seen] == [
        ("TraceService/Export", b"spans"),
        ("MetricsService/Export", b"m"),
    ]
    assert seen[0][1]["x-key"] == "k"


def test_passing_trouble_is_retried_and_a_refusal_is_final() -> None:
    for status, answer in (
        (grpc.StatusCode.UNAVAILABLE, Answer(retry=True, reason="grpc_unavailable")),
        (
            grpc.StatusCode.INVALID_ARGUMENT,
            Answer(rejected=10, reason="grpc_invalid_argument"),
        ),
    ):
        with back_end(status) as (url, _):
            poster = GrpcPoster(Endpoint({"traces": url}, "grpc"))
            assert poster.post(TRACES, 60.0) == answer
            poster.close()
