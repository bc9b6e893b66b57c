"""The plain wire against strangers: other people's WebSocket library at the far end."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    EndHeard,
    ErrorHeard,
    PongHeard,
    SpeechEndHint,
    TimingHeard,
    TranscriptHeard,
    WireClosed,
    WireEvent,
)
from otel_voiceload.transports import plain
from otel_voiceload.transports.wire import AgentWire, CallOptions, ServeOptions
from tests.transports.peers import Ear, agent, run

FRAME = b"\x01\x02" * 320


async def thirty_lines(socket: ServerConnection) -> None:
    """An agent as a user writes it: answers every fifth frame with a burst of sound."""
    start = json.loads(await socket.recv())
    assert start["type"] == "start"
    heard = 0
    async for message in socket:
        if isinstance(message, str):
            if json.loads(message)["type"] == "stop":
                return
            continue
        heard += 1
        if heard == 5:
            await socket.send(json.dumps({"type": "transcript", "role": "agent", "text": "Hello"}))
            await socket.send(
                json.dumps(
                    {"type": "timing", "turn": 1, "component": "llm", "attempt": 0}
                    | {"start": 0.1, "first": 0.2, "end": 0.3, "queue": 0.0, "status": "ok"}
                )
            )
            await socket.send(FRAME * 10)
            await socket.send("not json")
            await socket.send(json.dumps({"type": "something new"}))
            await socket.send(json.dumps({"type": "end", "reason": "resolution"}))


def test_an_agent_written_with_another_library_can_be_called() -> None:
    async def call() -> None:
        ear = Ear()
        async with serve(thirty_lines, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            wire = await plain.open_call(CallOptions(f"ws://127.0.0.1:{port}"), ear)
            wire.start("call-1", "00-aa-bb-01", {"k": "v"})
            wire.ping()
            for _ in range(5):
                wire.send(FRAME)
            await ear.first(EndHeard)
            await ear.first(PongHeard)
            stats = await wire.close()

        assert ear.of(AudioHeard)[0].data == FRAME * 10
        assert ear.of(TranscriptHeard)[0].text == "Hello"
        assert ear.of(TimingHeard)[0].first_s == 0.2
        assert [e.type for e in ear.of(ErrorHeard)] == ["protocol"]
        assert ear.of(WireClosed)[0].error_type is None
        assert stats.bytes_received == len(FRAME) * 10
        assert stats.rtt_s is not None

    run(call())


def test_a_caller_written_with_another_library_is_served() -> None:
    there = Ear()

    def react(wire: AgentWire, event: WireEvent) -> None:
        if isinstance(event, AudioHeard):
            wire.transcript("agent", "Hello", True)
            wire.send(event.data)
            wire.end("resolution")
            wire.close()

    async def call() -> None:
        server = await plain.serve(ServeOptions(), agent(there, react))
        async with connect(f"ws://127.0.0.1:{server.port}", additional_headers={"X-A": "b"}) as ws:
            await ws.send(json.dumps({"type": "start", "call_id": "c", "params": {"a": "b"}}))
            await ws.send(json.dumps({"type": "speech_end"}))
            await (await ws.ping())
            await ws.send(FRAME)
            said = [await ws.recv(), await ws.recv(), await ws.recv()]
            with pytest.raises(ConnectionClosed) as closed:
                await ws.recv()
        await there.closed()
        await server.close()

        assert json.loads(said[0]) == {
            "type": "transcript",
            "role": "agent",
            "text": "Hello",
            "final": True,
        }
        assert said[1] == FRAME
        assert json.loads(said[2]) == {"type": "end", "reason": "resolution"}
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000

    run(call())
    kinds = [type(event) for event in there.events]
    assert kinds[:3] == [CallStarted, SpeechEndHint, AudioHeard]


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([FRAME], "audio came before start"),
        (['{"type":"stop"}'], "start comes first"),
        (['{"type":"start","call_id":"c"}'] * 2, "start comes first"),
        (["not json"], "not JSON"),
        (['{"type":"start","call_id":"c","sample_rate":8000}'], "8000 is not 16000"),
    ],
)
def test_a_caller_that_breaks_the_protocol_is_told_and_closed(
    messages: list[str | bytes], complaint: str
) -> None:
    async def call() -> tuple[dict[str, str], int]:
        server = await plain.serve(ServeOptions(), agent(Ear()))
        async with connect(f"ws://127.0.0.1:{server.port}") as ws:
            for message in messages:
                await ws.send(message)
            told = json.loads(await ws.recv())
            with pytest.raises(ConnectionClosed) as closed:
                await ws.recv()
        await server.close()
        assert closed.value.rcvd is not None
        return told, closed.value.rcvd.code

    told, code = run(call())
    assert (told["type"], told["error_type"], code) == ("error", "protocol", 1002)
    assert complaint in told["message"]


def test_a_handler_that_fails_costs_its_call_only() -> None:
    reported: list[dict[str, object]] = []

    async def call() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: reported.append(context)
        )

        def handler(wire: AgentWire) -> Ear:
            if not reported:
                raise RuntimeError("a bug")
            return Ear()

        server = await plain.serve(ServeOptions(), handler)
        broken, fine = Ear(), Ear()
        await plain.open_call(CallOptions(f"ws://127.0.0.1:{server.port}"), broken)
        await broken.closed()
        wire = await plain.open_call(CallOptions(f"ws://127.0.0.1:{server.port}"), fine)
        wire.ping()
        await wire.close()
        await server.close()
        assert broken.of(WireClosed)[0].error_type == "connection_lost"

    run(call())
    assert isinstance(reported[0]["exception"], RuntimeError)
