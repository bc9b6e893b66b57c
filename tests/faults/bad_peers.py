"""Agents that misbehave, each in its own way, served by a process of their own.

    python -m tests.faults.bad_peers GROUP

prints one JSON object of kinds and addresses, and serves them until its input ends. They are not in
the caller's process, because a peer that floods would then be held up by the very loop that has to
stop it, and because a process can be stopped with SIGSTOP, which leaves a half-open connection.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.transports import plain
from otel_voiceload.transports.wire import ServeOptions
from tests.load.echo import EchoAgent
from tests.transports.peers import Play, accept, forever, raw_frame, tcp_peer

ROOT = Path(__file__).parents[2]
TEXT, BINARY = 0x81, 0x82
HEARD_BEFORE_LEAVING = 25  # frames, half a second: the caller is in the middle of its words
FRAMES_OF_A_QUESTION = 90  # 1.8 seconds: the caller has said its words and waits

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Behave = Callable[[ServerConnection], Awaitable[None]]


def beep() -> bytes:
    """A tenth of a second at -15 dBFS: a voice, for any detector of loudness."""
    samples = (round(8_000 * math.sin(2 * math.pi * 440 * i / 16_000)) for i in range(1_600))
    return b"".join(struct.pack("<h", sample) for sample in samples)


# --- peers below the WebSocket --------------------------------------------------------------------


async def takes_and_is_silent(reader: Reader, writer: Writer) -> None:
    await forever()


async def speaks_no_tls(reader: Reader, writer: Writer) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    await reader.read()


async def answers_rubbish(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(bytes(range(32, 127)) + b"\r\n\r\n")
    await forever()


def sends(*data: bytes) -> Play:
    async def play(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        for each in data:
            writer.write(each)
        await writer.drain()
        while await reader.read(65_536):
            pass

    return play


def floods(message: bytes) -> Play:
    async def play(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        while not writer.is_closing():
            writer.write(message * 64)
            await writer.drain()

    return play


# --- peers that are proper WebSocket servers ------------------------------------------------------


async def is_mute(connection: ServerConnection) -> None:
    """Answers pings, since its library does."""
    async for _ in connection:
        pass


async def speaks_once(connection: ServerConnection) -> None:
    await connection.send(beep() * 3)
    await is_mute(connection)


async def greets_without_end(connection: ServerConnection) -> None:
    await speak_without_end(connection)


async def answers_without_end(connection: ServerConnection) -> None:
    await hear(connection, FRAMES_OF_A_QUESTION)
    await speak_without_end(connection)


async def speak_without_end(connection: ServerConnection) -> None:
    sound = beep()

    async def speak() -> None:
        while True:
            await connection.send(sound)
            await asyncio.sleep(0.1)

    speaking = asyncio.ensure_future(speak())
    try:
        await is_mute(connection)
    finally:
        speaking.cancel()


async def sends_broken_messages(connection: ServerConnection) -> None:
    async for _ in connection:
        await connection.send("{not json")
        await connection.send('{"type": 7}')


async def hear(connection: ServerConnection, frames: int) -> None:
    async for message in connection:
        frames -= isinstance(message, bytes)
        if frames == 0:
            return


async def closes(connection: ServerConnection) -> None:
    await hear(connection, HEARD_BEFORE_LEAVING)


async def goes_away(connection: ServerConnection) -> None:
    await hear(connection, HEARD_BEFORE_LEAVING)
    connection.transport.abort()


def too_many(connection: ServerConnection, request: Request) -> Response:
    return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "call again later\n")


TCP: dict[str, Play] = {
    "takes_and_is_silent": takes_and_is_silent,
    "answers_rubbish": answers_rubbish,
    "sends_reserved_bits": sends(raw_frame(0xF2, b"?" * 640)),
    "sends_an_oversize_frame": sends(raw_frame(BINARY, bytes(2 << 20))),
    "floods_with_audio": floods(raw_frame(BINARY, bytes(640))),
    "floods_with_text": floods(raw_frame(TEXT, b"{}")),
}
TLS: dict[str, Play] = {"speaks_no_tls": speaks_no_tls}
WEBSOCKET: dict[str, Behave] = {
    "is_mute": is_mute,
    "speaks_once": speaks_once,
    "greets_without_end": greets_without_end,
    "answers_without_end": answers_without_end,
    "sends_broken_messages": sends_broken_messages,
    "closes": closes,
    "goes_away": goes_away,
}
STOPPABLE: dict[str, Behave] = {"half_open": is_mute}


# --- serving them ---------------------------------------------------------------------------------


async def open_group(group: str, open_ends: AsyncExitStack) -> dict[str, str]:
    """Every peer of a group: its kind and its address."""
    if group == "healthy":
        # Before anybody calls: turning the pack into PCM takes half a second.
        ClipPack.load(PCM16_16K)
        agent = await plain.serve(ServeOptions(), EchoAgent())
        open_ends.push_async_callback(agent.close)
        return {"healthy": f"ws://127.0.0.1:{agent.port}"}
    found: dict[str, str] = {}
    for kind, behave in (STOPPABLE if group == "stoppable" else WEBSOCKET).items():
        server = await open_ends.enter_async_context(serve(behave, "127.0.0.1", 0))
        found[kind] = f"ws://127.0.0.1:{_port(server)}"
    if group == "bad":
        full = serve(is_mute, "127.0.0.1", 0, process_request=too_many)
        found["answers_429"] = f"ws://127.0.0.1:{_port(await open_ends.enter_async_context(full))}"
        for scheme, plays in (("ws", TCP), ("wss", TLS)):
            for kind, play in plays.items():
                port = await open_ends.enter_async_context(tcp_peer(play))
                found[kind] = f"{scheme}://127.0.0.1:{port}"
    return found


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


async def main(group: str) -> None:
    async with AsyncExitStack() as open_ends:
        print(json.dumps(await open_group(group, open_ends)), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)  # a peer that waits for nothing in particular waits for ever


@contextmanager
def peers(group: str) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """The addresses of a group, and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.bad_peers", group],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # tracebacks of connections that were cut, which is the point
        text=True,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
