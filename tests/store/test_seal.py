from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from otel_voiceload.store.locate import Control
from otel_voiceload.store.seal import ask_for_seal, seal

HERE = Control("http://127.0.0.1:4318", "secret", 7)


def test_a_seal_that_was_done_leaves_nothing_to_say() -> None:
    assert seal(HERE, post=lambda control: 200) is None


def test_a_refusal_says_that_the_newest_rows_are_missing() -> None:
    note = seal(HERE, post=lambda control: 401)
    assert note == "The collector (pid 7) refused to seal (HTTP 401): its newest rows are missing."


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("refused"), http.client.BadStatusLine("x")]
)
def test_a_collector_that_does_not_answer_is_a_note_and_no_failure(error: Exception) -> None:
    def fail(control: Control) -> int:
        raise error

    note = seal(HERE, post=fail)
    assert note is not None
    assert "did not answer" in note


def test_nobody_beyond_this_host_is_asked() -> None:
    note = seal(Control("http://192.0.2.1:4318", "secret", 7))
    assert note is not None
    assert "192.0.2.1 is not this host" in note


def test_the_request_carries_the_token_to_the_control_endpoint() -> None:
    seen: list[tuple[str, str | None]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        assert ask_for_seal(Control(f"http://127.0.0.1:{server.server_port}", "secret", 7)) == 200
    finally:
        thread.join(60)
        server.server_close()
    assert seen == [("/control/seal", "Bearer secret")]
