"""uvicorn around the HTTP application, with the deadlines it lacks.

uvicorn waits for ever for a header and takes headers of any size, so slow or endless ones would
each hold a connection. Signals stay with the process entry.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ovl_collector.config import Tls
from ovl_collector.deadlines import Deadlines
from ovl_collector.http_app import App

_HEADER_BYTES: Final = 64 * 1024
_GRACE_S: Final = 5


class TimedProtocol(HttpToolsProtocol):
    """One connection: its headers must arrive soon and stay small, and idling has an end."""

    # Any: uvicorn builds the protocol with keyword arguments of its own choice.
    def __init__(self, *args: Any, deadlines: Deadlines, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's own setting is of whole seconds; its timer takes any.
        # uvicorn says int and hands it to call_later, which takes parts of a second as well.
        self.timeout_keep_alive = deadlines.idle_s  # type: ignore[assignment]
        self._header_s = deadlines.header_s
        self._header_deadline: asyncio.TimerHandle | None = None
        self._header_bytes = 0

    # uvicorn types it as any transport, and serves TCP alone, which this one is.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_are_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._header_bytes += len(data)
        super().data_received(data)
        if self._header_deadline is not None and self._header_bytes > _HEADER_BYTES:
            self.transport.close()
        elif (
            self.cycle is not None
            and self.cycle.response_complete
            and self.timeout_keep_alive_task is None
            and not self.transport.is_closing()
        ):
            # The rest of a refused body came in, which stopped the idle timer.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        self._await_headers()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._headers_are_here()
        super().on_headers_complete()

    def _await_headers(self) -> None:
        if self._header_deadline is None:
            self._header_bytes = 0
            self._header_deadline = self.loop.call_later(self._header_s, self._too_slow)

    def _headers_are_here(self) -> None:
        if self._header_deadline is not None:
            self._header_deadline.cancel()
            self._header_deadline = None

    def _too_slow(self) -> None:
        self._header_deadline = None
        if not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    def __init__(
        self,
        app: App,
        listener: socket.socket,
        tls: Tls | None,
        deadlines: Deadlines | None = None,
    ) -> None:
        protocol = partial(TimedProtocol, deadlines=deadlines or Deadlines())
        config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", protocol),  # uvicorn only ever calls it
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=1024,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=tls.cert if tls else None,
            ssl_keyfile=tls.key if tls else None,
            ssl_ca_certs=tls.client_ca if tls else None,
            ssl_cert_reqs=tls.client_cert_mode if tls else 0,
        )
        config.load()
        if config.ssl is not None:  # said here: the library's default follows the system's OpenSSL
            config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        self._server = _Server(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        await self._server.up.wait()

    async def stop(self) -> None:
        """No new connections; requests under way are answered, for a few seconds at most."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
