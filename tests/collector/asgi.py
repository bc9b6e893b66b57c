"""The HTTP application without sockets: a request goes in, (status, headers, body) comes out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ovl_collector.admission import Admission
from ovl_collector.control import Control
from ovl_collector.decoded import Limits
from ovl_collector.http_app import App
from ovl_collector.ledger import Ledger
from ovl_collector.receive import Receiver
from ovl_collector.writer import Writer

from .requests import T0
from .stores import new_segments

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
Response = tuple[int, dict[str, str], bytes]


class Collector:
    """Everything of a collector but its sockets, in a temporary folder."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits | None = None,
        room: int = 2**26,
        token: str | None = None,
        cors_origins: Sequence[str] = (),
        **writer_options: Any,
    ) -> None:
        self.folder = folder
        self.segments = new_segments(folder)
        self.ledger = Ledger(lambda: T0)
        self.writer = Writer(self.segments, self.ledger, **writer_options)
        self.writer.start()
        self.admission = Admission(room, lambda: self.writer.is_stalled)
        self.receiver = Receiver(
            self.writer,
            self.admission,
            self.ledger,
            limits or Limits(),
            unix_ns=lambda: T0,
            first_batch_id=1,
        )
        self.stopped = False
        self.control = Control(self.writer, self.segments, self.ledger, self.admission, self._stop)
        self.app = App(self.receiver, self.control, token, cors_origins)

    def _stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.writer.close()
        self.receiver.close()
        self.segments.end()

    def request(self, body: bytes | Iterable[bytes] = b"", **how: Any) -> Response:
        """One request on a loop of its own; ``how`` as for ``exchange``."""
        return asyncio.run(self.exchange([body] if isinstance(body, bytes) else body, **how))

    def start(self, first_part: bytes, **how: Any) -> asyncio.Task[Response]:
        """A request whose body never goes on."""
        return asyncio.ensure_future(self.exchange([first_part], stalls=True, **how))

    async def exchange(
        self,
        parts: Iterable[bytes],
        *,
        method: str = "POST",
        path: str = "/v1/traces",
        content_type: str | None = PROTOBUF,
        headers: Mapping[str, str] | None = None,
        client: tuple[str, int] | None = ("127.0.0.1", 40000),
        stalls: bool = False,
    ) -> Response:
        fields = dict(headers or {})
        if content_type is not None:
            fields["content-type"] = content_type
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "client": client,
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        }
        return await self._run(scope, list(parts), stalls)

    async def _run(self, scope: dict[str, Any], parts: list[bytes], stalls: bool) -> Response:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not parts:
                if stalls:
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": stalls or bool(parts)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        if not sent:
            return 0, {}, b""
        start, body = sent
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], found, body["body"]
