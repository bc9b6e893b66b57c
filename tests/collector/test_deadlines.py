"""Slow clients over real sockets, with deadlines of a twentieth of a second."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.rpc import status_pb2

from ovl_collector.config import Address
from ovl_collector.deadlines import Deadlines
from ovl_collector.grpc_server import GrpcServer
from ovl_collector.http_app import App
from ovl_collector.http_server import HttpServer

from .asgi import Collector
from .processes import post
from .requests import traces

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SHORT_S = 0.05
PATIENCE_S = 60.0  # of the tests, on any machine
BODY = traces(2).SerializeToString()
Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


def converse(folder: Path, deadlines: Deadlines, client: Client) -> tuple[Any, dict[str, Any]]:
    """What the client came to, on a connection of its own, and the collector's stats afterwards."""
    collector = Collector(folder)
    app = App(collector.receiver, collector.control, None, deadlines=deadlines)

    async def run() -> Any:
        listener = socket.create_server(("127.0.0.1", 0))
        server = HttpServer(app, listener, None, deadlines)
        await server.start()
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await client(reader, writer)
        finally:
            writer.close()
            await server.stop()

    try:
        return asyncio.run(run()), collector.control.stats()
    finally:
        collector.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(first.split()[1]), headers, body


def test_a_body_that_does_not_arrive_is_a_408_and_the_end_of_the_connection(
    tmp_path: Path,
) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        writer.write(post(BODY)[:-1])
        told = await answer(reader)
        return (*told, await reader.read())

    (status, headers, body, rest), stats = converse(tmp_path, Deadlines(body_s=SHORT_S), client)

    assert (status, headers["connection"], rest) == (408, "close", b"")
    assert "retry-after" not in headers
    told = status_pb2.Status.FromString(body)
    assert (told.code, told.message) == (4, "the body did not arrive within 0.05 s")
    assert stats["signals"]["traces"]["refused_requests"] == {"slow_body": 1}
    assert (stats["queue_bytes"], stats["requests_under_way"]) == (0, 0)


def test_a_connection_that_idles_after_its_answer_is_closed(tmp_path: Path) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        statuses = []
        for _ in range(2):
            writer.write(post(BODY))
            statuses.append((await answer(reader))[0])
        return statuses, await reader.read()

    found, stats = converse(tmp_path, Deadlines(idle_s=SHORT_S), client)

    assert found[0][0] == 200
    assert found[1] == b""
    assert stats["signals"]["traces"]["stored"] == 2


def test_a_connection_without_a_whole_header_is_closed(tmp_path: Path) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        writer.write(b"POST /v1/traces HTTP/1.1\r\nhost: ")
        return await reader.read()

    assert converse(tmp_path, Deadlines(header_s=SHORT_S), client)[0] == b""


def test_who_wants_to_close_and_never_ends_its_refused_body_is_answered_all_the_same(
    tmp_path: Path,
) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        endless = post(b"", "connection: close").replace(
            b"content-length: 0", f"content-length: {2**40}".encode()
        )
        writer.write(endless + b"x")
        status, _, _ = await answer(reader)
        return status, await reader.read()

    found, stats = converse(tmp_path, Deadlines(drain_s=SHORT_S), client)

    assert found == (413, b"")
    assert stats["signals"]["traces"]["refused_requests"] == {"too_large": 1}


def test_slow_is_only_who_is_slow(tmp_path: Path) -> None:
    """The deadlines of one connection are no other's, and end with their request."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        for _ in range(2):
            writer.write(post(BODY))
            assert (await answer(reader))[0] == 200
            await asyncio.sleep(2 * SHORT_S)  # between two requests only idling counts
        return True

    deadlines = Deadlines(header_s=SHORT_S, body_s=SHORT_S, drain_s=SHORT_S)
    assert converse(tmp_path, deadlines, client)[0]


def over_grpc(folder: Path, deadlines: Deadlines, client: Callable[[int], Awaitable[Any]]) -> Any:
    """What a client of the port came to."""
    collector = Collector(folder)

    async def run() -> Any:
        server = GrpcServer(2**20, None, deadlines=deadlines)
        port = server.bind(Address("127.0.0.1", 0), None)
        await server.start(collector.receiver)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await client(port)
        finally:
            await server.stop()

    try:
        return asyncio.run(run())
    finally:
        collector.close()


def test_a_grpc_connection_that_idles_is_closed_and_the_next_call_opens_another(
    tmp_path: Path,
) -> None:
    async def client(port: int) -> Any:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            export = channel.unary_unary(EXPORT)
            answers = [await export(BODY)]
            await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
            answers.append(await export(BODY))
        return answers

    assert over_grpc(tmp_path, Deadlines(idle_s=SHORT_S), client) == [b"", b""]


def test_who_connects_to_the_grpc_port_and_says_nothing_is_sent_away(tmp_path: Path) -> None:
    async def client(port: int) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await reader.read()  # to the end, whatever the server says of itself
        finally:
            writer.close()
        return True

    assert over_grpc(tmp_path, Deadlines(header_s=SHORT_S), client)
