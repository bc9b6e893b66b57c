"""Ends of a wire for tests: an ear that waits for events, and servers that misbehave on purpose."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from otel_voiceload.events import WireClosed, WireEvent
from otel_voiceload.transports.wire import AgentWire, Handler, Sink

T = TypeVar("T")
E = TypeVar("E")
LIMIT_S = 60.0  # nothing here takes a fiftieth of it; a hang must fail and not stall the run


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(LIMIT_S):
            return await coroutine

    return asyncio.run(bounded())


class Ear:
    """A sink that keeps what it hears and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.events: list[WireEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: WireEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def first(self, kind: type[E], count: int = 1) -> E:
        """The ``count``-th event of a kind, as soon as it is there."""
        while len(found := self.of(kind)) < count:
            self._news.clear()
            await self._news.wait()
        return found[count - 1]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def closed(self) -> WireClosed:
        return await self.first(WireClosed)


def agent(ear: Ear, react: Callable[[AgentWire, WireEvent], None] | None = None) -> Handler:
    """A handler that lets ``ear`` hear everything and then ``react``."""

    def handler(wire: AgentWire) -> Sink:
        def sink(event: WireEvent) -> None:
            ear(event)
            if react is not None:
                react(wire, event)

        return sink

    return handler


Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp_peer(play: Play) -> AsyncIterator[int]:
    """A TCP server that does ``play`` with each connection; yields its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await play(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Answer a WebSocket upgrade by hand; returns the request's head."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = re.search(r"(?i)sec-websocket-key: (\S+)", head)
    assert key is not None
    magic = key[1].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    answer = base64.b64encode(hashlib.sha1(magic).digest()).decode()
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {answer}\r\n\r\n".encode()
    )
    await writer.drain()
    return head


def raw_frame(first_byte: int, payload: bytes) -> bytes:
    """A server's frame; ``first_byte`` holds FIN, the reserved bits and the opcode."""
    length = len(payload)
    if length < 126:
        return bytes([first_byte, length]) + payload
    if length < 65536:
        return bytes([first_byte, 126]) + length.to_bytes(2, "big") + payload
    return bytes([first_byte, 127]) + length.to_bytes(8, "big") + payload


async def forever() -> None:
    await asyncio.get_running_loop().create_future()
