"""The Twilio wire against strangers, and the marks that its caller gives back."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from otel_voiceload.errors import UsageError
from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    CallStopped,
    ClearHeard,
    DtmfHeard,
    EndHeard,
    ErrorHeard,
    MarkHeard,
    WireClosed,
    WireEvent,
)
from otel_voiceload.transports import twilio
from otel_voiceload.transports.twilio import Options, TwilioAgent, TwilioCall
from otel_voiceload.transports.wire import AgentWire, ServeOptions
from tests.transports.peers import Ear, agent, run

FRAME = b"\x11" * 160
TRACE = "0af7651916cd43dd8448eb211c80319c"
MS = 1_000_000


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


STOOD = 20  # frames that the caller sends while its clock stands


async def bot(socket: ServerConnection, heard: list[str]) -> None:
    """A stranger's agent: half a second of speech in one message, a mark, a clear, its end."""
    connected, start = json.loads(await socket.recv()), json.loads(await socket.recv())
    assert (connected["event"], start["event"]) == ("connected", "start")
    sid = start["start"]["streamSid"]

    async def say(event: str, **body: object) -> None:
        await socket.send(json.dumps({"event": event, "streamSid": sid, **body}))

    await say("media", media={"payload": base64.b64encode(FRAME * 25).decode()})
    await say("mark", mark={"name": start["start"]["customParameters"]["traceparent"]})
    await say("media", media={"payload": base64.b64encode(FRAME).decode()})
    async for message in socket:
        heard.append(json.loads(message)["event"])
        match json.loads(message):
            case {"event": "mark", "mark": {"name": "dropped"}}:
                return
            case {"event": "mark"}:
                await say("media", media={"payload": base64.b64encode(FRAME * 25).decode()})
                await say("mark", mark={"name": "dropped"})
                await say("clear")


def test_an_agent_written_with_another_library_can_be_called() -> None:
    heard: list[str] = []

    async def call() -> list[WireEvent]:
        ear, clock = Ear(), Clock()
        async with serve(lambda socket: bot(socket, heard), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            wire = TwilioCall(Options(f"ws://127.0.0.1:{port}"), ear, clock)
            await wire.dial()
            wire.start(f"{TRACE}-3", "00-aa-bb-01", {})
            await ear.first(AudioHeard)
            await ear.first(AudioHeard, 2)  # so the mark between the two has come as well
            for _ in range(STOOD):
                wire.send(FRAME)
            clock.now_ns = ear.of(AudioHeard)[0].arrival_mono_ns + 600 * MS
            while not ear.of(WireClosed):
                wire.send(FRAME)
                await asyncio.sleep(0.001)
        return ear.events

    kinds = [type(event) for event in run(call())]
    assert kinds == [AudioHeard] * 3 + [ClearHeard, EndHeard, WireClosed]
    assert heard.index("mark") >= STOOD, "a mark came back before its audio had been played"


def test_a_caller_written_with_another_library_is_served() -> None:
    there = Ear()

    def react(wire: AgentWire, event: WireEvent) -> None:
        if isinstance(event, AudioHeard):
            assert isinstance(wire, TwilioAgent)
            wire.send(event.data)
            wire.mark("m")
            wire.clear()
        elif isinstance(event, CallStopped):
            wire.end("resolution")

    async def call() -> list[dict[str, Any]]:
        server = await twilio.serve(ServeOptions(), agent(there, react))
        async with connect(f"ws://127.0.0.1:{server.port}/media") as ws:
            stream = {"streamSid": "MZ1", "sequenceNumber": "1"}
            media = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
            start = {"streamSid": "MZ1", "callSid": "CA1", "mediaFormat": media}
            for body in (
                {"event": "connected", "protocol": "Call"},
                {"event": "start", "start": start},
                {"event": "dtmf", "dtmf": {"digit": "5"}},
                {"event": "mark", "mark": {"name": "x"}},
                {"event": "media", "media": {"payload": base64.b64encode(FRAME).decode()}},
                {"event": "stop"},
            ):
                await ws.send(json.dumps({**stream, **body}))
            told = [json.loads(await ws.recv()) for _ in range(3)]
            with pytest.raises(ConnectionClosed):
                await ws.recv()
        await there.closed()
        await server.close()
        return told

    told = run(call())
    assert [message["event"] for message in told] == ["media", "mark", "clear"]
    assert {message["streamSid"] for message in told} == {"MZ1"}
    assert base64.b64decode(told[0]["media"]["payload"]) == FRAME
    kinds = [type(event) for event in there.events]
    assert kinds == [CallStarted, DtmfHeard, MarkHeard, AudioHeard, CallStopped, WireClosed]


def test_both_ends_agree_on_keys_and_marks() -> None:
    def react(wire: AgentWire, event: WireEvent) -> None:
        if isinstance(event, DtmfHeard):
            assert isinstance(wire, TwilioAgent)
            wire.mark(event.digit)

    async def call() -> str:
        there = Ear()
        server = await twilio.serve(ServeOptions(), agent(there, react))
        wire = await twilio.open_call(Options(f"ws://127.0.0.1:{server.port}"), Ear())
        wire.start(f"{TRACE}-3", None, {})
        wire.dtmf("7")
        name = (await there.first(MarkHeard)).name  # nothing plays: it comes back at once
        await wire.close()
        await server.close()
        return name

    assert run(call()) == "7"


@pytest.mark.parametrize(
    "messages",
    [
        ["not json"],
        [b"\x00" * 160],
        ['{"event":"stop"}'],
        ['{"event":"media","media":{"payload":"/w=="}}'],
    ],
)
def test_a_caller_that_breaks_the_protocol_is_closed(messages: list[str | bytes]) -> None:
    async def call() -> int:
        server = await twilio.serve(ServeOptions(), agent(Ear()))
        async with connect(f"ws://127.0.0.1:{server.port}") as ws:
            for message in messages:
                await ws.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                await ws.recv()
        await server.close()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    assert run(call()) == 1002


def test_an_agent_that_breaks_the_protocol_leaves_an_error_in_the_call() -> None:
    async def speak(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(b"\x00" * 160)
        await socket.send('{"event":"clear","streamSid":"MZ-of-another-call"}')
        await socket.close(1011)

    async def call() -> list[WireEvent]:
        ear = Ear()
        async with serve(speak, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            wire = await twilio.open_call(Options(f"ws://127.0.0.1:{port}"), ear)
            wire.start(f"{TRACE}-3", None, {})
            await ear.closed()
        return ear.events

    binary, foreign, closed = run(call())
    assert isinstance(binary, ErrorHeard)
    assert isinstance(foreign, ErrorHeard)
    assert {binary.type, foreign.type} == {"protocol"}
    assert isinstance(closed, WireClosed)  # and no EndHeard: a failure is no hang-up
    assert closed.error_type == "agent_error"


def test_a_target_without_its_websocket_scheme_is_told_how_to_write_it() -> None:
    with pytest.raises(UsageError, match=r"write twilio\+ws:// or twilio\+wss://"):
        run(twilio.open_call(Options("twilio://127.0.0.1:1"), Ear()))
