"""An open WebSocket: misbehaving peers become named ends of one call, in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import cast

import pytest

from otel_voiceload.events import AudioHeard, CallStarted, PongHeard, WireClosed, WireEvent
from otel_voiceload.transports import plain
from otel_voiceload.transports.link import Link
from otel_voiceload.transports.plain import PlainCall
from otel_voiceload.transports.sockets import WSFrame, WSMsgType, WSTransport
from otel_voiceload.transports.wire import AgentWire, CallOptions, ServeOptions
from tests.transports.peers import Ear, Play, accept, agent, forever, raw_frame, run, tcp_peer

Writer = asyncio.StreamWriter
Reader = asyncio.StreamReader

BINARY, TEXT, CONTINUATION, CLOSE, PING, PONG = 0x82, 0x81, 0x80, 0x88, 0x89, 0x8A
UNFINISHED_BINARY, UNFINISHED_CONTINUATION = 0x02, 0x00


def sending(*frames: bytes, stay: bool = True) -> Play:
    """A peer that accepts the call and sends ``frames``."""

    async def play(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        for frame in frames:
            writer.write(frame)
        await writer.drain()
        if stay:
            await reader.read()

    return play


def talk_to(
    play: Play, then: Callable[[PlainCall, Ear], Awaitable[object]], keepalive_s: float = 10.0
) -> Ear:
    """Call a peer that plays its part, and hear what came of it."""

    async def call() -> Ear:
        ear = Ear()
        async with tcp_peer(play) as port:
            options = CallOptions(f"ws://127.0.0.1:{port}", keepalive_s=keepalive_s)
            wire = await plain.open_call(options, ear)
            wire.start("call-1", None, {})
            await then(wire, ear)
            wire.abort()
            await ear.closed()
        return ear

    return run(call())


async def until_closed(wire: PlainCall, ear: Ear) -> None:
    await ear.closed()


@pytest.mark.parametrize(
    ("play", "error_type"),
    [
        pytest.param(sending(stay=False), "connection_lost", id="hangs up without a word"),
        pytest.param(sending(raw_frame(CLOSE, b"")), None, id="closes in order, no code"),
        pytest.param(sending(raw_frame(CLOSE, b"\x03\xe8")), None, id="closes in order"),
        pytest.param(sending(raw_frame(CLOSE, b"\x03\xe9")), "going_away", id="restarts"),
        pytest.param(sending(raw_frame(CLOSE, b"\x03\xf3oops")), "agent_error", id="fails"),
        pytest.param(sending(raw_frame(CLOSE, b"\x03\xf5")), "busy", id="has no room"),
        pytest.param(sending(raw_frame(CLOSE, b"\x0f\xa1")), "close_4001", id="own code"),
        pytest.param(sending(b"\xff\xff\xff\xff\xff\xff"), "protocol_error", id="garbage"),
        pytest.param(
            sending(b"HTTP/1.1 400 Bad\r\n\r\n" + bytes(100)), "protocol_error", id="speaks HTTP"
        ),
        pytest.param(sending(raw_frame(0xC2, b"ab")), "protocol_error", id="compressed"),
        pytest.param(
            sending(raw_frame(CONTINUATION, b"ab")), "protocol_error", id="continues nothing"
        ),
        pytest.param(
            sending(raw_frame(UNFINISHED_BINARY, b"ab"), raw_frame(TEXT, b"{}")),
            "protocol_error",
            id="begins a message inside another",
        ),
        pytest.param(
            sending(raw_frame(BINARY, b"x" * (1 << 20) + b"y")), "message_too_big", id="over 1 MiB"
        ),
        pytest.param(
            sending(
                raw_frame(UNFINISHED_BINARY, b"x" * (1 << 20)),
                raw_frame(UNFINISHED_CONTINUATION, b"y"),
            ),
            "message_too_big",
            id="over 1 MiB in fragments",
        ),
    ],
)
def test_the_way_a_peer_goes_away_has_a_name(play: Play, error_type: str | None) -> None:
    ear = talk_to(play, until_closed)

    assert ear.of(WireClosed)[0].error_type == error_type
    assert len(ear.of(WireClosed)) == 1
    assert ear.of(AudioHeard) == []


def test_one_mebibyte_is_not_too_much() -> None:
    whole = b"x" * (1 << 20)

    async def listen(wire: PlainCall, ear: Ear) -> None:
        await ear.first(AudioHeard)

    assert talk_to(sending(raw_frame(BINARY, whole)), listen).of(AudioHeard)[0].data == whole


def test_a_message_in_fragments_is_heard_whole() -> None:
    frames = (
        raw_frame(UNFINISHED_BINARY, b""),
        raw_frame(UNFINISHED_CONTINUATION, b"ab"),
        raw_frame(PING, b"now"),  # control frames may come between
        raw_frame(CONTINUATION, b"cd"),
    )

    async def listen(wire: PlainCall, ear: Ear) -> None:
        await ear.first(AudioHeard)

    ear = talk_to(sending(*frames), listen)
    assert [e.data for e in ear.of(AudioHeard)] == [b"abcd"]


def flood(frame: bytes) -> Play:
    async def play(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        while not writer.is_closing():
            writer.write(frame * 64)
            await writer.drain()

    return play


def test_a_flood_is_cut_off() -> None:
    ear = talk_to(flood(raw_frame(BINARY, bytes(60_000))), until_closed)
    assert ear.of(WireClosed)[0].error_type == "flooding"
    assert len(ear.of(AudioHeard)) < 700


def test_a_flood_of_empty_messages_is_cut_off_too() -> None:
    ear = talk_to(flood(raw_frame(TEXT, b"{}")), until_closed)
    assert ear.of(WireClosed)[0].error_type == "flooding"


def test_closing_is_bounded_when_the_peer_floods_or_says_nothing() -> None:
    async def slow_flood(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        while not writer.is_closing():  # below the flood limit, and never an answer to the close
            writer.write(raw_frame(BINARY, bytes(640)))
            await asyncio.sleep(0.001)

    async def deaf(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        await forever()

    async def both() -> None:
        async def one(play: Play) -> None:
            ear = Ear()
            async with tcp_peer(play) as port:
                wire = await plain.open_call(CallOptions(f"ws://127.0.0.1:{port}"), ear)
                await wire.close()
                assert ear.of(WireClosed)[0].error_type is None

        await asyncio.gather(one(slow_flood), one(deaf))

    run(both())  # which ends a test that would hang


def test_a_peer_that_answers_no_ping_is_dropped() -> None:
    async def frozen(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        await forever()

    ear = talk_to(frozen, until_closed, keepalive_s=0.05)
    assert ear.of(WireClosed)[0].error_type == "ping_timeout"


def test_a_peer_that_reads_nothing_is_dropped_before_memory_is() -> None:
    async def unread(reader: Reader, writer: Writer) -> None:
        await accept(reader, writer)
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # as a frozen process
        await forever()

    async def talk(wire: PlainCall, ear: Ear) -> None:
        chunk = bytes(200_000)
        while not ear.of(WireClosed):
            wire.send(chunk)
            await asyncio.sleep(0)

    ear = talk_to(unread, talk)
    assert ear.of(WireClosed)[0].error_type == "not_reading"


def test_a_pong_that_was_not_asked_for_is_ignored() -> None:
    frames = (raw_frame(PONG, b"12345678"), raw_frame(PONG, b""), raw_frame(BINARY, b"ab"))

    async def listen(wire: PlainCall, ear: Ear) -> None:
        await ear.first(AudioHeard)

    assert talk_to(sending(*frames), listen).of(PongHeard) == []


def test_pings_that_are_never_answered_are_forgotten() -> None:
    async def ping(wire: PlainCall, ear: Ear) -> None:
        for _ in range(100):
            wire.ping()
        await ear.first(AudioHeard)
        assert wire.stats().rtt_s is None

    talk_to(sending(raw_frame(BINARY, b"ab")), ping)


def test_a_bug_in_the_listener_costs_its_call_and_is_reported() -> None:
    reported: list[dict[str, object]] = []

    async def call() -> list[WireEvent]:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: reported.append(context)
        )
        ear = Ear()

        def sink(event: WireEvent) -> None:
            ear(event)
            if isinstance(event, AudioHeard):
                raise KeyError("a bug")

        async with tcp_peer(sending(raw_frame(BINARY, b"ab"))) as port:
            await plain.open_call(CallOptions(f"ws://127.0.0.1:{port}"), sink)
            await ear.closed()
        return ear.events

    events = run(call())
    assert isinstance(events[-1], WireClosed)
    assert events[-1].error_type == "internal"
    assert isinstance(reported[0]["exception"], KeyError)


def test_the_cadence_is_the_median_time_between_messages_of_one_speech() -> None:
    class Deaf:
        def opened(self, link: Link) -> None: ...
        def audio(self, data: bytes, arrival_mono_ns: int) -> None: ...
        def text(self, data: bytes, arrival_mono_ns: int) -> None: ...
        def pong(self, rtt_ns: int, arrival_mono_ns: int) -> None: ...
        def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None: ...

    class Frame:
        msg_type, fin, rsv1, rsv2, rsv3 = WSMsgType.BINARY, True, False, False, False

        def get_payload_as_bytes(self) -> bytes:
            return b"ab"

    async def play() -> float | None:
        # 20, 21 and 40 ms apart, a pause of three seconds, and 22 ms
        times = iter([0, *(ms * 1_000_000 for ms in (1000, 1020, 1041, 1081, 4081, 4103))])
        link = Link(Deaf(), clock=lambda: next(times))
        transport = cast("WSTransport", SimpleNamespace(is_close_frame_sent=False))
        for _ in range(6):
            link.on_ws_frame(transport, cast("WSFrame", Frame()))
        return link.stats().cadence_s

    assert run(play()) == pytest.approx(0.0215)


def test_a_simulated_network_delivers_what_was_under_way_before_the_end() -> None:
    async def call() -> None:
        here, there = Ear(), Ear()

        def react(wire: AgentWire, event: WireEvent) -> None:
            if isinstance(event, CallStarted):
                wire.send(b"ab")
                wire.end("resolution")
                wire.close()

        options = ServeOptions(network_delay=lambda: 0.02)
        server = await plain.serve(options, agent(there, react))
        wire = await plain.open_call(CallOptions(f"ws://127.0.0.1:{server.port}"), here)
        wire.start("call-1", None, {})
        await here.closed()
        await server.close()
        kinds = [type(e).__name__ for e in here.events]
        assert kinds == ["AudioHeard", "EndHeard", "WireClosed"]

    run(call())
