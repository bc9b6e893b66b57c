"""Destinations that misbehave on purpose: they refuse, push back, or never answer."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Destination:
    """Answers with ``status`` until it is ``mended``; 0 keeps senders waiting instead."""

    def __init__(self, status: int, retry_after: str | None = None) -> None:
        self.status = status
        self.retry_after = retry_after
        self.mended = threading.Event()
        self.asked = 0
        self.first = threading.Event()
        self.copies: Counter[bytes] = Counter()  # by span id, of what was taken
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False  # whoever hangs is left behind

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        with self._lock:
            self.asked += 1
        self.first.set()
        if not self.mended.is_set() and not self.status:
            self.mended.wait(60.0)
            return
        status = 200 if self.mended.is_set() else self.status
        if status == 200 and request.path == "/v1/traces":
            self._take(body)
        request.send_response(status)
        if status != 200 and self.retry_after is not None:
            request.send_header("retry-after", self.retry_after)
        request.send_header("content-length", "0")
        request.end_headers()

    def _take(self, body: bytes) -> None:
        sent = ExportTraceServiceRequest.FromString(body)
        ids = [
            span.trace_id + span.span_id
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self.copies.update(ids)

    def __enter__(self) -> Destination:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.mended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
