"""What every transport must do, played by each against its own serving end.

Not every wire can say everything: what an agent tells the caller beside audio is held against the
list that the transport itself gives, ``TELLS``.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from otel_voiceload import transports
from otel_voiceload.errors import UsageError, WireError
from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    CallStopped,
    ClearHeard,
    EndHeard,
    ErrorHeard,
    PongHeard,
    TimingHeard,
    TranscriptHeard,
    WireClosed,
    WireEvent,
)
from otel_voiceload.transports.wire import CLOSE_GRACE_S, AgentWire, ServeOptions, Transport
from tests.transports.peers import Ear, agent, run

OWN_SCHEMES = {"plain": "ws", "memory": "memory"}
SCHEMES = tuple(OWN_SCHEMES.get(name, f"{name}+ws") for name in transports.known())
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALL = f"{TRACE}-17"


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def transport(scheme: str) -> Transport:
    return transports.load(scheme)


def url(scheme: str, port: int) -> str:
    return transports.split_target(f"{scheme}://127.0.0.1:{port}").url


def frame(transport: Transport) -> bytes:
    return b"\x01\x02" * (transport.ENCODING.frame_bytes // 2)


def echo(wire: AgentWire, event: WireEvent) -> None:
    if isinstance(event, AudioHeard):
        wire.send(event.data)


def test_audio_comes_back_and_is_counted_at_both_ends(transport: Transport, scheme: str) -> None:
    async def call() -> None:
        here, there, sound = Ear(), Ear(), frame(transport)
        server = await transport.serve(ServeOptions(), agent(there, echo))
        options = transport.Options(url(scheme, server.port))
        wire = await transport.open_call(options, here)
        wire.start(CALL, "00-aa-bb-01", {})
        for _ in range(3):
            wire.send(sound)
        await here.first(AudioHeard, 3)
        stats = await wire.close()
        await there.closed()
        await server.close()

        assert b"".join(e.data for e in here.of(AudioHeard)) == sound * 3
        assert (stats.bytes_sent, stats.bytes_received) == (3 * len(sound), 3 * len(sound))
        traffic = options.traffic  # all messages whole, whatever they carry
        assert min(traffic.sent, traffic.received) >= 3 * len(sound)
        assert max(traffic.sent, traffic.received) < 10 * len(sound) + 1000
        assert wire.encoding == transport.ENCODING
        arrivals = [e.arrival_mono_ns for e in here.events]
        assert arrivals == sorted(arrivals)

    run(call())


def test_the_agent_hears_the_start_first_with_merged_params(
    transport: Transport, scheme: str
) -> None:
    async def call() -> None:
        here, there = Ear(), Ear()
        seen: list[AgentWire] = []
        server = await transport.serve(
            ServeOptions(), agent(there, lambda wire, _: seen.append(wire))
        )
        options = transport.Options(
            url(scheme, server.port), headers={"X-Team": "night"}, params={"a": "1", "b": "1"}
        )
        wire = await transport.open_call(options, here)
        wire.start(CALL, "00-aa-bb-01", {"b": "2"})
        wire.send(frame(transport))
        await there.first(AudioHeard)
        await wire.close()
        await there.closed()
        await server.close()

        started = there.events[0]
        assert isinstance(started, CallStarted)
        assert (started.call_id[:32], started.traceparent) == (TRACE, "00-aa-bb-01")
        assert started.sample_rate == wire.encoding.sample_rate
        assert started.params == {"a": "1", "b": "2"}
        assert seen[0].headers["x-team"] == "night"
        assert any(isinstance(e, CallStopped) for e in there.events)
        assert isinstance(there.events[-1], WireClosed)

    run(call())


def test_messages_of_the_agent_arrive_in_order(transport: Transport, scheme: str) -> None:
    sound = frame(transport)

    def react(wire: AgentWire, event: WireEvent) -> None:
        if isinstance(event, CallStarted):
            wire.transcript("agent", "Which day?", True)
            wire.send(sound)
            wire.timing(2, "llm", 1, 0.5, None, 0.9, 0.25, "rate_limited")
            wire.clear()
            wire.error("overloaded", "try later")
            wire.end("transfer")

    async def call() -> list[WireEvent]:
        here = Ear()
        server = await transport.serve(ServeOptions(), agent(Ear(), react))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), here)
        wire.start(CALL, None, {})
        await here.first(EndHeard)
        await wire.close()
        await here.closed()
        await server.close()
        return here.events

    *events, last = run(call())
    # A wire without a word for the end closes instead, and that says no more than "hung up".
    reason = "transfer" if EndHeard in transport.TELLS else "hang_up"
    said = [
        TranscriptHeard("agent", "Which day?", True, 0),
        AudioHeard(sound, 0),
        TimingHeard(2, "llm", 1, 0.5, None, 0.9, 0.25, "rate_limited", 0),
        ClearHeard(0),
        ErrorHeard("overloaded", "try later", 0),
        EndHeard(reason, 0),
    ]
    always = (AudioHeard, EndHeard)
    assert [replace(event, arrival_mono_ns=0) for event in events] == [
        event for event in said if isinstance(event, always) or type(event) in transport.TELLS
    ]
    assert isinstance(last, WireClosed)
    assert last.error_type is None


def test_a_ping_is_answered_with_the_round_trip(transport: Transport, scheme: str) -> None:
    async def call() -> None:
        here = Ear()
        server = await transport.serve(ServeOptions(), agent(Ear()))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), here)
        wire.start(CALL, None, {})
        wire.ping()
        pong = await here.first(PongHeard)
        stats = await wire.close()
        await server.close()

        assert 0 < pong.rtt_ns < 1e9
        assert stats.rtt_s == pytest.approx(pong.rtt_ns / 1e9)

    run(call())


def test_a_simulated_network_delays_both_ways_and_keeps_the_order(
    transport: Transport, scheme: str
) -> None:
    delays = iter([0.030, 0.001, 0.020, 0.001] * 20)

    def react(wire: AgentWire, event: WireEvent) -> None:
        if isinstance(event, CallStarted):
            for i in range(4):
                wire.send(bytes([i, 0]))

    async def call() -> None:
        here = Ear()
        options = ServeOptions(network_delay=lambda: next(delays))
        server = await transport.serve(options, agent(Ear(), react))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), here)
        wire.start(CALL, None, {})
        wire.ping()
        await here.first(AudioHeard, 4)
        pong = await here.first(PongHeard)
        await wire.close()
        await here.closed()
        await server.close()

        assert [e.data[0] for e in here.of(AudioHeard)] == [0, 1, 2, 3]
        assert pong.rtt_ns >= 30e6  # it could not overtake the start

    run(call())


def test_closing_twice_and_sending_afterwards_is_harmless(
    transport: Transport, scheme: str
) -> None:
    async def call() -> None:
        here = Ear()
        server = await transport.serve(ServeOptions(), agent(Ear()))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), here)
        wire.start(CALL, None, {})
        first = await wire.close()
        await here.closed()
        wire.send(frame(transport))
        wire.speech_end()
        wire.ping()
        second = await wire.close()
        wire.abort()
        await server.close()

        assert first.messages_received == second.messages_received == 0
        assert len(here.of(WireClosed)) == 1

    run(call())


def test_an_abort_is_heard_as_a_lost_connection_by_the_other_end(
    transport: Transport, scheme: str
) -> None:
    async def call(by_agent: bool) -> tuple[WireClosed, WireClosed]:
        here, there = Ear(), Ear()

        def react(wire: AgentWire, event: WireEvent) -> None:
            if by_agent and isinstance(event, CallStarted):
                wire.abort()

        server = await transport.serve(ServeOptions(), agent(there, react))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), here)
        wire.start(CALL, None, {})
        await there.first(CallStarted)
        if not by_agent:
            wire.abort()
        closed = await here.closed(), await there.closed()
        await server.close()
        return closed

    here, there = run(call(by_agent=True))
    assert (here.error_type, there.error_type) == ("connection_lost", None)
    here, there = run(call(by_agent=False))
    assert (here.error_type, there.error_type) == (None, "connection_lost")


def test_an_agent_that_closes_in_order_is_no_error(transport: Transport, scheme: str) -> None:
    def react(wire: AgentWire, event: WireEvent) -> None:
        if isinstance(event, CallStarted):
            wire.send(frame(transport))
            wire.close()

    async def call() -> None:
        here = Ear()
        server = await transport.serve(ServeOptions(), agent(Ear(), react))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), here)
        wire.start(CALL, None, {})
        closed = await here.closed()
        await server.close()

        assert closed.error_type is None
        assert len(here.of(AudioHeard)) == 1  # what was sent before the close still came

    run(call())


def test_a_silent_agent_does_not_hold_up_the_close(transport: Transport, scheme: str) -> None:
    async def call() -> float:
        server = await transport.serve(ServeOptions(), agent(Ear()))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), Ear())
        wire.start(CALL, None, {})
        began = asyncio.get_running_loop().time()
        await wire.close()
        took = asyncio.get_running_loop().time() - began
        await server.close()
        return took

    assert run(call()) < CLOSE_GRACE_S


def test_a_dead_target_is_unreachable(transport: Transport, scheme: str) -> None:
    async def call() -> None:
        server = await transport.serve(ServeOptions(), agent(Ear()))
        port = server.port
        await server.close()
        await transport.open_call(transport.Options(url(scheme, port)), Ear())

    with pytest.raises(WireError) as caught:
        run(call())
    assert (caught.value.outcome, caught.value.error_type) == ("refused", "unreachable")


def test_a_closing_server_ends_its_calls(transport: Transport, scheme: str) -> None:
    async def call() -> WireClosed:
        here = Ear()
        server = await transport.serve(ServeOptions(), agent(Ear()))
        wire = await transport.open_call(transport.Options(url(scheme, server.port)), here)
        wire.start(CALL, None, {})
        await server.close()
        return await here.closed()

    assert run(call()).error_type is None


def test_a_port_in_use_is_named(transport: Transport) -> None:
    async def call() -> None:
        server = await transport.serve(ServeOptions(), agent(Ear()))
        try:
            await transport.serve(ServeOptions(port=server.port), agent(Ear()))
        finally:
            await server.close()

    with pytest.raises(UsageError, match="in use"):
        run(call())
