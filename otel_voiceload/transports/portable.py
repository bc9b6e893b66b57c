"""What we use of picows, on the protocol core of ``websockets``: for machines without picows.

picows is compiled, and there is not a wheel for every system and Python. ``websockets`` runs
wherever Python does, at about 1.6 times the cost per frame, and its core does no I/O of its own, so
it can be driven by callbacks as picows is. The names are picows' own; ``sockets`` chooses. Limits,
floods, close codes and error types are ``link``'s and ``websocket``'s, and so the same with either.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import ssl as tls
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from socket import socket
from types import SimpleNamespace
from typing import Any, Protocol, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol as Core
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri


class WSMsgType(enum.IntEnum):
    CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class WSCloseCode(enum.IntEnum):
    OK, GOING_AWAY, PROTOCOL_ERROR, INTERNAL_ERROR = 1000, 1001, 1002, 1011


class WSError(Exception):
    """The peer is no WebSocket server, or none for us."""


class WSHandshakeError(WSError):
    pass


class WSInvalidStatusError(WSHandshakeError):
    def __init__(self, response: Response) -> None:
        super().__init__(response.reason_phrase)
        self.response = SimpleNamespace(status=_status(response.status_code))
        self.raw_body = bytes(response.body)


@dataclass
class WSUpgradeRequest:
    path: bytes
    headers: Any  # a mapping of names to values


@dataclass
class _CloseHandshake:
    recv: Close | None  # with a code and a reason
    sent: Close | None


class WSFrame:
    __slots__ = ("_data", "fin", "msg_type", "rsv1", "rsv2", "rsv3")

    def __init__(self, frame: Frame) -> None:
        self._data = bytes(frame.data)
        self.msg_type = _TYPES[frame.opcode]
        self.fin = frame.fin
        self.rsv1, self.rsv2, self.rsv3 = frame.rsv1, frame.rsv2, frame.rsv3

    @property
    def payload_size(self) -> int:
        return len(self._data)

    def get_payload_as_bytes(self) -> bytes:
        return self._data


_TYPES = {opcode: WSMsgType(int(opcode)) for opcode in Opcode}


class WSListener:
    """The base of whoever listens; what a listener offers is ``_Listener``."""


class _Listener(Protocol):
    def on_ws_connected(self, transport: WSTransport) -> None: ...

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None: ...

    def on_ws_disconnected(self, transport: WSTransport) -> None: ...

    def is_user_specific_pong(self, frame: WSFrame) -> bool: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


@dataclass(frozen=True)
class _Habits:
    """How a connection keeps itself alive."""

    pings: bool
    idle_s: float
    reply_s: float
    pongs: bool = True


class _Pings(Core):
    """Leaves pings to us: on a simulated network their answers travel as long as sound does."""

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            self.events.append(frame)
        else:
            super().recv_frame(frame)


class _Client(_Pings, ClientProtocol):
    pass


class _Server(_Pings, ServerProtocol):
    pass


class WSTransport(asyncio.Protocol):
    """One connection, from its first byte to its last."""

    def __init__(self, core: _Client | _Server, habits: _Habits) -> None:
        self.is_disconnected = False
        self.is_close_frame_sent = False  # by us, and not as the echo of one not yet told of
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.listener: _Listener | None = None
        self.make_listener: Callable[[WSUpgradeRequest], _Listener] | None = (
            None  # at an agent's end
        )
        self.underlying_transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._core = core
        self._habits = habits
        self._heard_s = 0.0
        self._pong_due_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._connected = False

    # --- what a listener calls --------------------------------------------------------------------

    @property
    def close_handshake(self) -> _CloseHandshake | None:
        got, sent = self._core.close_rcvd, self._core.close_sent
        return None if got is None and sent is None else _CloseHandshake(got, sent)

    def send(self, kind: WSMsgType, data: bytes) -> None:
        if self._core.state is State.OPEN:
            (self._core.send_binary if kind == WSMsgType.BINARY else self._core.send_text)(data)
            self._flush()

    def send_ping(self, data: bytes = b"") -> None:
        if self._core.state is State.OPEN:
            self._core.send_ping(data)
            self._flush()

    def send_pong(self, data: bytes = b"") -> None:
        if self._core.state is State.OPEN:
            self._core.send_pong(data)
            self._flush()

    def send_close(self, code: WSCloseCode) -> None:
        self.is_close_frame_sent = True
        if self._core.state is State.OPEN:
            self._core.send_close(int(code))
            self._flush()

    def disconnect(self, graceful: bool = True) -> None:
        if graceful:
            self.underlying_transport.close()
        else:
            self.underlying_transport.abort()

    def ask(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send the upgrade request."""
        core = self._core
        assert isinstance(core, _Client)
        request = core.connect()
        for name, value in headers:
            request.headers[name] = value
        core.send_request(request)
        self._flush()

    def give_up(self) -> None:
        """On a caller that has not asked for anything."""
        if not self._connected:
            self.underlying_transport.abort()

    # --- what the event loop calls ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.underlying_transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        self._core.receive_data(data)
        self._flush()
        self._tell()
        if self._core.parser_exc is not None or self._core.handshake_exc is not None:
            self.underlying_transport.close()  # broken; what was said about it goes out first

    def eof_received(self) -> None:
        self._core.receive_eof()
        self._tell()

    def connection_lost(self, failure: Exception | None) -> None:
        self.is_disconnected = True
        if self._timer is not None:
            self._timer.cancel()
        if not self.upgraded.done():
            self.upgraded.set_exception(self._core.handshake_exc or failure or EOFError())
            self.upgraded.exception()  # whoever awaits it may be gone
        if self._connected and self.listener is not None:
            self.listener.on_ws_disconnected(self)

    def pause_writing(self) -> None:
        if self.listener is not None:
            self.listener.pause_writing()

    def resume_writing(self) -> None:
        if self.listener is not None:
            self.listener.resume_writing()

    # --- between the two --------------------------------------------------------------------------

    def _flush(self) -> None:
        for data in self._core.data_to_send():
            if data and not self.underlying_transport.is_closing():
                self.underlying_transport.write(data)

    def _tell(self) -> None:
        for event in self._core.events_received():
            if self.underlying_transport.is_closing():
                return  # cut by whoever listens
            if isinstance(event, Frame):
                self._hear(WSFrame(event))
            elif isinstance(event, Request):
                self._answer(event)
            elif not self.upgraded.done():
                if self._core.handshake_exc is not None:
                    self.upgraded.set_exception(self._core.handshake_exc)
                else:
                    self._open()

    def _hear(self, frame: WSFrame) -> None:
        assert self.listener is not None
        if frame.msg_type is WSMsgType.PING and self._habits.pongs:
            self.send_pong(frame.get_payload_as_bytes())
        elif self._pong_due_s is not None and self.listener.is_user_specific_pong(frame):
            self._pong_due_s = None
        else:
            self.listener.on_ws_frame(self, frame)

    def _answer(self, request: Request) -> None:
        core = self._core
        assert isinstance(core, _Server)
        response = core.accept(request)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and self.make_listener:
            self.listener = self.make_listener(
                WSUpgradeRequest(request.path.encode(), request.headers)
            )
        core.send_response(response)
        self._flush()
        if self.listener is not None:
            self._open()

    def _open(self) -> None:
        assert self.listener is not None
        self._connected = True
        self.upgraded.set_result(None)
        if self._habits.pings:
            self._wait(self._habits.idle_s)
        self.listener.on_ws_connected(self)

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """Ping a peer that has been silent, give up on one that does not answer."""
        now_s = asyncio.get_running_loop().time()
        if self._pong_due_s is not None:
            self.send_close(WSCloseCode.GOING_AWAY)
            self.underlying_transport.abort()
            return
        silent_s = now_s - self._heard_s
        if silent_s < self._habits.idle_s:
            self._wait(self._habits.idle_s - silent_s)
            return
        self._pong_due_s = now_s + self._habits.reply_s
        self.send_ping()
        self._wait(self._habits.reply_s)


async def ws_connect(
    make_listener: Callable[[], _Listener],
    url: str,
    *,
    ssl_context: tls.SSLContext | None,
    websocket_handshake_timeout: float,
    logger_name: logging.Logger,
    enable_auto_ping: bool,
    auto_ping_idle_timeout: float,
    auto_ping_reply_timeout: float,
    max_frame_size: int,
    read_buffer_init_size: int,
    extra_headers: Iterable[tuple[str, str]],
    max_redirects: int,
    socket_factory: Callable[[object], socket],
    **tls_limits: Any,  # handed on as they are
) -> tuple[WSTransport, object]:
    """Connect the socket of ``socket_factory``; the listener is None when nothing was answered.

    Raises:
        WSError: the answer was no upgrade. TimeoutError, OSError: as they say.
    """
    assert not max_redirects, "redirects are never followed"
    uri = parse_uri(url)
    habits = _Habits(enable_auto_ping, auto_ping_idle_timeout, auto_ping_reply_timeout)
    connection = WSTransport(_Client(uri, max_size=max_frame_size, logger=logger_name), habits)
    connection.listener = make_listener()
    try:
        async with asyncio.timeout(websocket_handshake_timeout):
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=socket_factory(None),
                ssl=ssl_context,
                server_hostname=uri.host if ssl_context else None,
                **tls_limits,
            )
            connection.ask(extra_headers)
            await connection.upgraded
    except EOFError:
        return connection, None
    except InvalidStatus as refused:
        raise WSInvalidStatusError(refused.response) from None
    except InvalidHandshake as rubbish:
        raise WSHandshakeError(str(rubbish)) from None
    except BaseException:
        if connection.underlying_transport is not None:
            connection.underlying_transport.abort()
        raise
    return connection, connection.listener


async def ws_create_server(
    make_listener: Callable[[WSUpgradeRequest], _Listener],
    host: str,
    port: int,
    *,
    websocket_handshake_timeout: float,
    logger_name: logging.Logger,
    enable_auto_ping: bool,
    auto_ping_idle_timeout: float,
    auto_ping_reply_timeout: float,
    enable_auto_pong: bool,
    max_frame_size: int,
    read_buffer_init_size: int,
    backlog: int,
    ssl: tls.SSLContext | None,
) -> asyncio.Server:
    """Raises OSError when the port is taken."""
    loop = asyncio.get_running_loop()
    habits = _Habits(
        enable_auto_ping, auto_ping_idle_timeout, auto_ping_reply_timeout, enable_auto_pong
    )

    def take() -> WSTransport:
        core = _Server(max_size=max_frame_size, logger=logger_name)
        connection = WSTransport(core, habits)
        connection.make_listener = make_listener
        loop.call_later(websocket_handshake_timeout, connection.give_up)
        return connection

    return await loop.create_server(take, host, port, backlog=backlog, ssl=ssl)


def _status(code: int) -> HTTPStatus:
    try:
        return HTTPStatus(code)
    except ValueError:  # nobody registered it; the class of its hundred says what to make of it
        return HTTPStatus(code // 100 * 100)
