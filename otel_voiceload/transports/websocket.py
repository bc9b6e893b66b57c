"""Both ends of a WebSocket connection coming into being: dialling, and listening.

What can go wrong while a call is set up is told apart here, because a full machine, a wrong name,
a bad certificate and a busy agent are different findings and only some of them are the target's.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import ssl
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from otel_voiceload.errors import ConfigError, UsageError, WireError
from otel_voiceload.model import NS_PER_S, ConnectRecord, ConnectStep
from otel_voiceload.transports.dial import Clock, Reached, deadline, reach
from otel_voiceload.transports.link import MAX_MESSAGE_BYTES, QUIET_LOG, Link, Receiver
from otel_voiceload.transports.network_delay import NetworkDelay
from otel_voiceload.transports.sockets import (
    WSError,
    WSHandshakeError,
    WSInvalidStatusError,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)
from otel_voiceload.transports.wire import CLOSE_GRACE_S, CallOptions, ServeOptions

# A whole level of calls may dial within one wake-up of a busy agent; with the usual 100 the kernel
# drops their packets and the calls look seconds late.
_BACKLOG: Final = 4096
_READ_BUFFER_BYTES: Final = 4096  # to begin with: six frames; a burst makes it grow
_UPGRADE_TIMEOUT_S: Final = 10.0
_AGENT_KEEPALIVE_S: Final = 10.0

_REFUSALS: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: "busy",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    HTTPStatus.UNAUTHORIZED: "auth",
    HTTPStatus.FORBIDDEN: "auth",
}


async def connect(
    options: CallOptions, receiver: Receiver, clock: Clock = time.monotonic_ns
) -> tuple[Link, ConnectRecord]:
    """Open a WebSocket to ``options.url``.

    Raises:
        TargetRefused: an address is not allowed.
        WireError: refused (busy, rate_limited, auth, handshake_timeout, unreachable, http_5xx),
            negotiation_failed (dns, tls, not_websocket), aborted_by_us (local_resources).
        ConfigError: the file of ``tls_ca`` holds no certificate.
    """
    started = clock()
    until = deadline(options.connect_timeout_s, clock)
    url = urlsplit(options.url)
    secure = url.scheme == "wss"
    context = _client_tls(options.tls_ca, options.tls_insecure) if secure else None
    port = url.port or (443 if secure else 80)
    reached = await reach(url.hostname or "", port, options.allow_address, until, clock)
    steps = list(reached.steps)
    if secure:
        _say_handshake_failures_once(asyncio.get_running_loop())

    def headers() -> Iterator[tuple[str, str]]:
        # picows reads these when it writes the upgrade request: the only moment from outside at
        # which TLS is known to be done.
        if secure:
            steps.append(ConnectStep("tls", clock()))
        yield from options.headers.items()

    left_s = max(0.05, (until - clock()) / NS_PER_S)
    # Any: picows hands these two on to create_connection, which takes them with TLS only.
    tls_limits: dict[str, Any] = (
        {"ssl_handshake_timeout": left_s, "ssl_shutdown_timeout": CLOSE_GRACE_S} if secure else {}
    )
    try:
        _, link = await ws_connect(
            lambda: Link(receiver, clock=clock, traffic=options.traffic),
            options.url,
            ssl_context=context,
            websocket_handshake_timeout=left_s,
            logger_name=QUIET_LOG,
            enable_auto_ping=True,
            auto_ping_idle_timeout=options.keepalive_s,
            auto_ping_reply_timeout=options.keepalive_s,
            max_frame_size=MAX_MESSAGE_BYTES,
            read_buffer_init_size=_READ_BUFFER_BYTES,
            extra_headers=headers(),
            max_redirects=0,
            socket_factory=lambda _: reached.sock,
            **tls_limits,
        )
    except (OSError, WSError, TimeoutError, asyncio.CancelledError) as failure:
        _drop(reached)
        if isinstance(failure, asyncio.CancelledError):
            raise
        # A TLS handshake that runs out of time ends in an aborted connection, not a TimeoutError.
        late = isinstance(failure, TimeoutError) or clock() >= until
        raise (_too_late(options) if late else _upgrade_failure(options, failure)) from None
    if not isinstance(link, Link):  # the peer closed before it answered the upgrade
        raise _not_websocket(options, "closed the connection without an answer")
    steps.append(ConnectStep("upgrade", clock()))
    record = ConnectRecord(
        start_mono_ns=started,
        end_mono_ns=steps[-1].end_mono_ns,
        steps=tuple(steps),
        server_address=reached.address,
        server_port=reached.port,
        transport="tcp",
        protocol="websocket",
    )
    return link, record


def _say_handshake_failures_once(loop: asyncio.AbstractEventLoop) -> None:
    """Keep the loop from logging what we raise: its page of traceback hid the one line of ours."""
    if loop.get_exception_handler() is None:
        loop.set_exception_handler(_but_for_handshakes)


def _but_for_handshakes(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not str(context.get("message", "")).startswith("SSL handshake failed"):
        loop.default_exception_handler(context)


def _drop(reached: Reached) -> None:
    """End a half-made connection; picows leaves it open when its caller gives up waiting."""
    try:
        reached.sock.shutdown(2)
    except OSError:  # it is closed, or was never handed on
        reached.sock.close()


def _too_late(options: CallOptions) -> WireError:
    return WireError(
        f"{options.place} took the connection and did not finish the handshake within "
        f"{options.connect_timeout_s:g} s; check that an agent answers there"
        + (" and speaks TLS, or write ws://" if options.url.startswith("wss:") else ""),
        outcome="refused",
        error_type="handshake_timeout",
    )


def _upgrade_failure(options: CallOptions, failure: BaseException) -> WireError:
    if isinstance(failure, WSInvalidStatusError) and failure.response is not None:
        return _bad_status(options, failure)
    if isinstance(failure, WSHandshakeError | WSError):
        return _not_websocket(options, "did not answer as a WebSocket server")
    if isinstance(failure, ssl.SSLError) or options.url.startswith("wss:"):
        return WireError(
            f"TLS with {options.place} failed: {_tls_reason(failure)}",
            outcome="negotiation_failed",
            error_type="tls",
        )
    return _not_websocket(options, "closed the connection during the handshake")


def _tls_reason(failure: BaseException) -> str:
    """What was wrong and what to do; a peer that hangs up on a client hello leaves no words."""
    why = getattr(failure, "verify_message", None) or getattr(failure, "reason", None)
    if isinstance(failure, ConnectionError):
        return "the peer hung up on the handshake; if it does not speak TLS, write ws://"
    if why == "WRONG_VERSION_NUMBER":
        return "the peer does not speak TLS; write ws://, or check the port"
    return f"{why or failure or type(failure).__name__}; check the certificate or --tls-ca"


def _bad_status(options: CallOptions, failure: WSInvalidStatusError) -> WireError:
    assert failure.response is not None
    status = failure.response.status
    body = (failure.raw_body or b"")[:120].decode("utf-8", "replace")
    said = options.masked(" ".join("".join(c for c in body if c.isprintable()).split()))
    what = f"{options.place} answered HTTP {status.value} {status.phrase}"
    what += f" ({said})" if said else ""
    if status in _REFUSALS or status >= 500:
        return WireError(
            f"{what} to the call; see its limits or its credentials (-H)",
            outcome="refused",
            error_type=_REFUSALS.get(status, f"http_{status.value}"),
        )
    return WireError(
        f"{what} instead of a WebSocket; check the path and the scheme",
        outcome="negotiation_failed",
        error_type="not_websocket",
    )


def _not_websocket(options: CallOptions, what: str) -> WireError:
    return WireError(
        f"{options.place} {what}; check the port, the path and the scheme",
        outcome="negotiation_failed",
        error_type="not_websocket",
    )


@functools.lru_cache(maxsize=8)  # reading the system's certificates takes 20 ms, each call needs it
def _client_tls(ca: Path | None, insecure: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as failure:
        raise ConfigError(f"{ca} can not be used as a certificate file: {failure}") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Listening:
    """A WebSocket server and the links it has taken."""

    def __init__(
        self, options: ServeOptions, make_receiver: Callable[[WSUpgradeRequest], Receiver]
    ):
        self._options = options
        self._make_receiver = make_receiver
        self._delay = NetworkDelay(options.network_delay) if options.network_delay else None
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self) -> None:
        options = self._options
        try:
            tls = _server_tls(options.tls_cert, options.tls_key) if options.tls_cert else None
            self._server = await ws_create_server(
                self._accept,
                options.host,
                options.port,
                websocket_handshake_timeout=_UPGRADE_TIMEOUT_S,
                logger_name=QUIET_LOG,
                enable_auto_ping=True,
                auto_ping_idle_timeout=_AGENT_KEEPALIVE_S,
                auto_ping_reply_timeout=_AGENT_KEEPALIVE_S,
                enable_auto_pong=self._delay is None,
                max_frame_size=MAX_MESSAGE_BYTES,
                read_buffer_init_size=_READ_BUFFER_BYTES,
                backlog=_BACKLOG,
                ssl=tls,
            )
        except (OSError, OverflowError) as failure:
            why = str(getattr(failure, "strerror", None) or failure)
            other = "--port or --host"
            if getattr(failure, "errno", None) == errno.EADDRINUSE:
                # asyncio's own words name the address once more
                why, other = os.strerror(errno.EADDRINUSE).lower(), "--port"
            raise UsageError(
                f"can not listen on {options.host}:{options.port}: {why}; "
                f"choose another with {other}"
            ) from None

    def _accept(self, request: WSUpgradeRequest) -> Link:
        link = Link(self._make_receiver(request), self._delay)
        self._links.add(link)
        link.gone.add_done_callback(lambda _: self._links.discard(link))
        return link

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        links = tuple(self._links)
        for link in links:
            link.hang_up()
        if links:
            await asyncio.wait([link.gone for link in links], timeout=CLOSE_GRACE_S)
        for link in tuple(self._links):
            link.abort()


def _server_tls(cert: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key)
    except OSError as failure:  # of the files, not of the port
        why = failure.strerror or failure
        raise UsageError(
            f"{cert} and {key} can not be served as certificate and key: {why};"
            " correct --tls-cert and --tls-key"
        ) from None
    return context
