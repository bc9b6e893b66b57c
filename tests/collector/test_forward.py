import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ovl_collector.errors import UsageError
from ovl_collector.forward import Connection, Destination, Forwarder, parse_header


class Endpoint:
    """Answers with the statuses it was given, then 200; an exception among them is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.got = []
        self.free = threading.Event()
        self.free.set()

    def post(self, path, body, headers):
        self.free.wait(10)
        self.got.append((path, body, headers))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer


def forwarder(endpoint, **options):
    made = Forwarder(
        Destination("http://there:4318", (("x-key", "secret"),)), post=endpoint.post, **options
    )
    made.start()
    return made


def test_what_was_stored_is_sent_on_as_it_came():
    endpoint = Endpoint()
    made = forwarder(endpoint)
    made.offer("traces", b"1", json=False)
    made.offer("metrics", b"{}", json=True)
    made.close()
    assert endpoint.got == [
        ("/v1/traces", b"1", {"x-key": "secret", "content-type": "application/x-protobuf"}),
        ("/v1/metrics", b"{}", {"x-key": "secret", "content-type": "application/json"}),
    ]
    assert made.stats() == {
        "sent": 2, "refused": 0, "dropped": 0, "queued": 0, "queue_bytes": 0,
    }  # fmt: skip


def test_a_retriable_answer_is_tried_again_and_a_refusal_is_not(monkeypatch, capsys):
    monkeypatch.setattr("ovl_collector.forward._FIRST_DELAY_S", 0.0)
    endpoint = Endpoint(503, ConnectionRefusedError(), 200, 400)
    made = forwarder(endpoint)
    for body in (b"1", b"2", b"3"):
        made.offer("traces", body, json=False)
    made.close()
    assert [body for _, body, _ in endpoint.got] == [b"1", b"1", b"1", b"2", b"3"]
    assert made.stats() | {"sent": 2, "refused": 1} == made.stats()
    errors = capsys.readouterr().err
    assert "can not forward to http://there:4318: HTTP 503" in errors
    assert "secret" not in errors


def test_a_full_queue_drops_and_counts_and_never_blocks():
    endpoint = Endpoint()
    endpoint.free.clear()
    made = forwarder(endpoint, queue_bytes=10)
    for _ in range(5):
        made.offer("traces", b"1234", json=False)
    assert made.stats()["dropped"] == 3
    endpoint.free.set()
    made.close()
    assert made.stats()["sent"] == 2


def test_an_endpoint_that_is_away_does_not_keep_the_process(monkeypatch, capsys):
    monkeypatch.setattr("ovl_collector.forward._DRAIN_S", 0.05)
    endpoint = Endpoint(*[OSError()] * 1000)
    made = forwarder(endpoint)
    made.offer("traces", b"1", json=False)
    made.close()
    assert made.stats()["dropped"] == 1
    assert "1 stored requests were not forwarded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("there:4318", "no OTLP/HTTP"),
        ("grpc://there", "no OTLP/HTTP"),
        ("http://", "no OTLP/HTTP"),
        ("http://me:secret@there", "no user"),
    ],
)
def test_an_address_that_can_not_be_is_refused_without_its_secrets(url, why):
    problems = Destination(url).problems()
    assert why in problems[0]
    assert "secret" not in problems[0]


def test_headers_are_secrets():
    assert parse_header("X-Key: env:K", lambda text: f"<{text}>") == ("X-Key", "<env:K>")
    assert "secret" not in repr(Destination("http://a", (("x", "secret"),)))
    with pytest.raises(UsageError) as refused:
        parse_header("secret", str)
    assert "secret" not in str(refused.value)


def test_over_a_socket():
    got = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, body, self.headers["x-key"]))
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    connection = Connection(Destination(f"http://127.0.0.1:{server.server_port}/otlp/"))
    assert connection.post("/v1/traces", b"abc", {"x-key": "k"}) == 202
    assert got == [("/otlp/v1/traces", b"abc", "k")]
    connection._connection.close()
    server.shutdown()
    server.server_close()
    thread.join()
