from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.posting import (
    Answer,
    Endpoint,
    HttpPoster,
    collector_endpoint,
    judge,
    judge_body,
)

BATCH = Batch("traces", b"spans", 10)
CERT = Path(__file__).parents[1] / "transports" / "tls" / "localhost.pem"


@pytest.mark.parametrize(
    ("status", "retry_after", "answer"),
    [
        (200, None, Answer()),
        (429, "7", Answer(retry=True, retry_after_s=7.0, reason="http_429")),
        (502, None, Answer(retry=True, reason="http_502")),
        (503, "soon", Answer(retry=True, reason="http_503")),
        (504, None, Answer(retry=True, reason="http_504")),
        (400, "7", Answer(rejected=10, reason="http_400")),
        (401, None, Answer(rejected=10, reason="http_401")),
        (413, None, Answer(rejected=10, reason="http_413")),
        (500, None, Answer(rejected=10, reason="http_500")),
        (302, None, Answer(rejected=10, reason="http_302")),
    ],
)
def test_only_the_answers_that_otlp_names_are_retried(
    status: int, retry_after: str | None, answer: Answer
) -> None:
    assert judge(BATCH, status, retry_after, b"") == answer


@pytest.mark.parametrize(
    ("body", "rejected"),
    [
        (b"", 0),
        (b"\xff\xff not protobuf", 0),
        (
            trace := ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=3)
            ).SerializeToString(),
            3,
        ),
        (
            ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=99)
            ).SerializeToString(),
            10,
        ),
    ],
    ids=["empty", "garbage", "three", "more than were sent"],
)
def test_a_partial_success_says_how_many_were_left_out(body: bytes, rejected: int) -> None:
    assert judge_body(BATCH, body).rejected == rejected


def test_metrics_have_a_partial_success_of_their_own() -> None:
    body = ExportMetricsServiceResponse(
        partial_success=ExportMetricsPartialSuccess(rejected_data_points=2)
    ).SerializeToString()
    assert judge_body(Batch("metrics", b"", 4), body) == Answer(rejected=2, reason="rejected")


def test_a_local_collector_gets_plain_bytes_and_a_distant_one_compressed() -> None:
    near, far = collector_endpoint("http://127.0.0.1:4318/"), collector_endpoint("http://otel:4318")
    assert near.urls == {
        "traces": "http://127.0.0.1:4318/v1/traces",
        "metrics": "http://127.0.0.1:4318/v1/metrics",
    }
    assert (near.gzip, far.gzip) == (False, True)


def test_an_endpoint_says_what_is_wrong_with_it() -> None:
    assert Endpoint({"traces": "http://127.0.0.1:4318"}).problems() == []
    wrong = Endpoint(
        {"traces": "otel:4318"},
        protocol="http/json",
        headers={"k": "secret\n"},
        certificate="/no/such.pem",
    )
    assert len(wrong.problems()) == 4
    assert "secret" not in repr(wrong) + "".join(wrong.problems())


def test_an_endpoint_is_told_from_others_without_its_secrets() -> None:
    endpoint = Endpoint({"traces": "https://user:word@otel:4318/v1/traces?key=1"})
    assert endpoint.place == "https://otel:4318/v1/traces"


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str], bytes, object]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.seen.append((self.path, headers, body, self.client_address))
        status = int(headers.get("x-answer", "200"))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def collector(
    tls: bool = False,
) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes, object]]]]:
    seen: list[tuple[str, dict[str, str], bytes, object]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Seen", (Collector,), {"seen": seen}))
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERT, CERT.with_suffix(".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        host = "https://localhost" if tls else "http://127.0.0.1"
        yield f"{host}:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_posts_share_a_connection_and_carry_the_headers() -> None:
    with collector() as (url, seen):
        poster = HttpPoster(
            Endpoint({"traces": f"{url}/v1/traces?tenant=a"}, headers={"authorization": "Bearer x"})
        )
        assert poster.post(BATCH, 60.0) == poster.post(BATCH, 60.0) == Answer()
        poster.close()
    (path, headers, body, first), (_, _, _, second) = seen
    assert path == "/v1/traces?tenant=a"
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["authorization"] == "Bearer x"
    assert body == b"spans"
    assert first == second


def test_a_compressed_batch_is_the_same_bytes_when_it_is_sent_again() -> None:
    with collector() as (url, seen):
        poster = HttpPoster(Endpoint({"traces": url}, gzip=True))
        poster.post(BATCH, 60.0)
        poster.post(BATCH, 60.0)
        poster.close()
    assert seen[0][1]["content-encoding"] == "gzip"
    assert gzip.decompress(seen[0][2]) == b"spans"
    assert seen[0][2] == seen[1][2]


def test_an_error_status_is_judged_too() -> None:
    with collector() as (url, _):
        poster = HttpPoster(Endpoint({"traces": url}, headers={"x-answer": "503"}))
        assert poster.post(BATCH, 60.0) == Answer(retry=True, reason="http_503")
        poster.close()


def test_a_private_ca_is_trusted_when_it_is_given_and_only_then() -> None:
    with collector(tls=True) as (url, seen):
        for certificate in (str(CERT), None):
            poster = HttpPoster(collector_endpoint(url, {"authorization": "x"}, certificate))
            if certificate is None:
                with pytest.raises(ssl.SSLCertVerificationError):
                    poster.post(BATCH, 60.0)
            else:
                assert poster.post(BATCH, 60.0) == Answer()
            poster.close()
    assert [headers["authorization"] for _, headers, _, _ in seen] == ["x"]


def test_a_dead_collector_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ConnectionError):
        HttpPoster(Endpoint({"traces": f"http://127.0.0.1:{port}"})).post(BATCH, 1.0)


def test_an_answer_that_is_not_http_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        answer = pool.submit(HttpPoster(Endpoint({"traces": url})).post, BATCH, 60.0)
        peer, _ = server.accept()
        peer.sendall(b"SSH-2.0-nonsense\r\n\r\n")
        peer.close()
        with pytest.raises(ConnectionError):
            answer.result()
