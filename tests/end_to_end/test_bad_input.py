"""What users get wrong: one line that says what happened, to what, and what to do."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.end_to_end.running import ROOT, ovl_here


@contextmanager
def target(behave: Callable[[ServerConnection], Awaitable[None]]) -> Iterator[str]:
    """A misbehaving agent in a thread of this process."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    stop = asyncio.Event()
    port = 0

    async def run() -> None:
        nonlocal port
        async with serve(behave, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert started.wait(60)
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(15)
        loop.close()


async def mute(connection: ServerConnection) -> None:
    async for _ in connection:
        pass


async def garbage(connection: ServerConnection) -> None:
    await connection.send("{not json")
    async for _ in connection:
        await connection.send('{"type": 7}')


async def leaves_in_the_middle(connection: ServerConnection) -> None:
    heard = 0
    async for _ in connection:
        heard += 1
        if heard == 25:  # half a second: the caller is speaking
            return


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("ovl: ")]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


@pytest.mark.parametrize(
    ("behave", "words"),
    [(mute, "never said anything"), (garbage, "never said anything"), (leaves_in_the_middle, "")],
)
def test_a_target_that_does_not_work_gets_no_load(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    behave: Callable[[ServerConnection], Awaitable[None]],
    words: str,
) -> None:
    hasty = (ROOT / "otel_voiceload/callers/scenarios/demo.yaml").read_text()
    (tmp_path / "hasty.yaml").write_text(hasty.replace("patience: 8s", "patience: 500ms"))
    with target(behave) as url:
        told = ovl_here(tmp_path, capsys, "generate", url, "--scenario", "hasty.yaml")

    assert told.code == 3, told.err
    assert words in one_line(told.err)
    assert "no load was sent" in one_line(told.err)


def test_nobody_listening_is_said_with_the_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"ws://127.0.0.1:{closed_port()}"

    told = ovl_here(tmp_path, capsys, "generate", url)

    assert told.code == 3
    assert url.removeprefix("ws://") in one_line(told.err)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("generate", "pigeon://x"), 2, "no transport speaks pigeon://"),
        (("generate", "127.0.0.1:1"), 2, "no scheme"),
        (("generate", "ws://192.0.2.1:9", "-c", "11"), 3, "--allow 192.0.2.1"),
        (("generate", "ws://127.0.0.1:9", "-c", "5000"), 2, "--max-calls 5000"),
        (("generate", "ws://127.0.0.1:9", "--threshold", "latncy:p95<2s"), 2, "latncy"),
        (("generate", "ws://127.0.0.1:9", "-d", "soon"), 2, "soon"),
        (("generate", "ws://127.0.0.1:9", "-s", "10m"), 2, "DURATION:CALLS"),
        (("generate", "ws://127.0.0.1:9", "-p", "moon"), 2, "known are"),
        (("generate", "ws://127.0.0.1:9", "--scenario", "gone.yaml"), 2, "no such scenario"),
        (("generate", "ws://127.0.0.1:9", "--scenario", "broken.yaml"), 2, "not YAML at line"),
        (("agent", "--config", "broken.yaml"), 2, "broken.yaml"),
        (("agent", "--port", "0", "--plant", "llm:1"), 2, "llm"),
        (("demo", "--plant", "brain:3"), 2, "brain"),
        (("demo", "--seconds", "3"), 2, "20 s"),
        (("analyze",), 2, "no store"),
        (("analyze", "--store", "broken.yaml"), 2, "broken.yaml"),
    ],
)
def test_one_line_says_what_to_do(
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "broken.yaml").write_text("name: [unclosed\n")

    told = ovl_here(tmp_path, capsys, *words)

    assert told.code == code, told.err
    assert said in one_line(told.err)


def test_a_port_in_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        agent = ovl_here(tmp_path, capsys, "agent", "--port", str(port))
        collector = ovl_here(tmp_path, capsys, "collect", "--http", f"127.0.0.1:{port}")

    assert (agent.code, collector.code) == (2, 2)
    assert str(port) in one_line(agent.err)
    assert str(port) in one_line(collector.err)
