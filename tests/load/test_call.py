from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K, Encoding
from otel_voiceload.callers.actions import HangUp
from otel_voiceload.errors import TargetRefused, WireError
from otel_voiceload.events import EndHeard, WireClosed
from otel_voiceload.load.call import Call, CallSetup
from otel_voiceload.model import (
    CallRecord,
    CallStartRecord,
    ConnectRecord,
    LoadContext,
    MediaStats,
    Record,
    TurnRecord,
)
from otel_voiceload.telemetry.context import call_identity, traceparent
from otel_voiceload.transports import plain
from otel_voiceload.transports.ticker import FrameTicker
from otel_voiceload.transports.wire import CallOptions, ServeOptions, Sink, Transport
from tests.transports.peers import forever

from .echo import SCENARIO, EchoAgent

CALL = call_identity("run", 3, "short", sampled=True)
LOAD = LoadContext("ramp", 1, 8, 4)
PATIENCE_S = 60.0  # with a busy machine


class FakeWire:
    encoding: Encoding = PCM16_16K
    connect = ConnectRecord(1, 2, (), "127.0.0.1", 80, "tcp", "websocket")

    def __init__(self, close_fails: bool = False) -> None:
        self.close_fails = close_fails
        self.frames = 0
        self.aborted = 0
        self.started: list[str] = []

    def start(self, call_id: str, traceparent: str | None, params: Mapping[str, str]) -> None:
        self.started.append(call_id)

    def send(self, frame: bytes) -> None:
        self.frames += 1

    def speech_end(self) -> None: ...

    def ping(self) -> None: ...

    def stats(self) -> MediaStats:
        return MediaStats(messages_sent=self.frames)

    async def close(self) -> MediaStats:
        if self.close_fails:
            raise OSError("already gone")
        return self.stats()

    def abort(self) -> MediaStats:
        self.aborted += 1
        return self.stats()


class Rig:
    """A call on a transport whose ``open_call`` is the test's."""

    def __init__(self, open_call: Callable[[CallOptions, Sink], Awaitable[Any]]) -> None:
        self.records: list[Record] = []
        self.failures: list[BaseException] = []
        self.over: list[Call] = []
        self._transport = cast("Transport", type("T", (), {"open_call": staticmethod(open_call)}))
        self.pack: Callable[[Encoding], ClipPack] = ClipPack.load

    def call(self) -> Call:
        setup = CallSetup(
            transport=self._transport,
            options=CallOptions("ws://127.0.0.1:80", headers={"x-key": "secret"}),
            pack=self.pack,
            seed=1,
            ticker=FrameTicker(),
            emit=self.records.append,
            load=lambda: LOAD,
            failed=self.failures.append,
        )
        return Call(setup, CALL, SCENARIO, scheduled_mono_ns=0, on_over=self.over.append)

    async def play(self) -> CallRecord:
        return await self.call().run()


@pytest.mark.parametrize(
    ("error", "outcome", "error_type"),
    [
        (WireError("503", outcome="refused", error_type="busy"), "refused", "busy"),
        (
            WireError("?", outcome="negotiation_failed", error_type="dns"),
            "negotiation_failed",
            "dns",
        ),
        (TargetRefused("203.0.113.5 is not allowed"), "aborted_by_us", "not_allowed"),
        (ValueError("a bug"), "aborted_by_us", "internal"),
    ],
)
def test_a_call_that_can_not_begin_is_told_apart_by_whose_fault_it_is(
    error: Exception, outcome: str, error_type: str
) -> None:
    async def open_call(options: CallOptions, sink: Sink) -> object:
        raise error

    rig = Rig(open_call)
    record = asyncio.run(rig.play())
    assert (record.outcome, record.error_type) == (outcome, error_type)
    assert record.connect.error_type == error_type
    assert (record.connect.server_address, record.connect.server_port) == ("127.0.0.1", 80)
    assert str(error) in record.detail
    assert rig.records == [record]
    assert len(rig.over) == 1
    assert bool(rig.failures) is (error_type == "internal")


def test_the_handshake_carries_the_trace_and_the_users_headers() -> None:
    seen: dict[str, str] = {}

    async def open_call(options: CallOptions, sink: Sink) -> object:
        seen.update(options.headers)
        raise WireError("no", outcome="refused", error_type="busy")

    asyncio.run(Rig(open_call).play())
    assert seen == {
        "traceparent": traceparent(CALL),
        "baggage": "synthetic_request=true",
        "x-key": "secret",
    }


def test_what_arrives_before_the_conversation_begins_is_not_lost() -> None:
    wire = FakeWire()

    async def open_call(options: CallOptions, sink: Sink) -> FakeWire:
        sink(EndHeard("resolution", 0))
        sink(WireClosed(None, "", 1))
        return wire

    rig = Rig(open_call)
    record = asyncio.run(rig.play())
    assert (record.outcome, record.end_reason) == ("completed", "resolution")
    assert wire.started == [CALL.call_id]
    assert [type(r) for r in rig.records] == [CallStartRecord, CallRecord]


def test_a_connection_that_closes_in_mid_call_is_a_dropped_call() -> None:
    sinks: list[Sink] = []

    async def open_call(options: CallOptions, sink: Sink) -> FakeWire:
        sinks.append(sink)
        asyncio.get_running_loop().call_later(0.1, sink, WireClosed("reset", "", 2))
        return FakeWire(close_fails=True)

    rig = Rig(open_call)
    record = asyncio.run(rig.play())
    assert record.outcome == "dropped"
    assert record.error_type == "reset"
    assert record.media.messages_sent > 0
    assert [str(error) for error in rig.failures] == ["already gone"]
    sinks[0](WireClosed("reset", "", 3))  # late events change nothing
    assert len(rig.over) == 1


def test_a_fault_of_ours_ends_its_call_and_is_never_the_targets() -> None:
    def no_pack(encoding: Encoding) -> ClipPack:
        raise ValueError("no clips")

    async def open_call(options: CallOptions, sink: Sink) -> FakeWire:
        return FakeWire()

    rig = Rig(open_call)
    rig.pack = no_pack
    record = asyncio.run(rig.play())
    assert (record.outcome, record.error_type) == ("aborted_by_us", "internal")
    assert [str(error) for error in rig.failures] == ["no clips"]


@pytest.mark.parametrize("when", ["before", "connecting", "connected"])
def test_hanging_up_ends_the_call_at_every_moment(when: str) -> None:
    async def open_call(options: CallOptions, sink: Sink) -> FakeWire:
        if when == "connecting":
            await forever()
        return FakeWire()

    async def play(rig: Rig) -> CallRecord:
        call = rig.call()
        if when == "before":
            call.hang_up("after_turn")
        task = asyncio.ensure_future(call.run())
        for _ in range(5):
            await asyncio.sleep(0)
        assert call.connecting is (when == "connecting")
        call.hang_up("now")
        call.hang_up("now")
        call.abort()
        return await asyncio.wait_for(task, PATIENCE_S)

    rig = Rig(open_call)
    record = asyncio.run(play(rig))
    assert (record.outcome, record.end_reason) == ("aborted_by_us", "hang_up")
    assert record.error_type is None
    assert len(rig.over) == 1
    assert rig.failures == []


def test_a_call_that_is_over_can_be_hung_up_without_harm() -> None:
    async def open_call(options: CallOptions, sink: Sink) -> FakeWire:
        return FakeWire()

    async def play(rig: Rig) -> None:
        call = rig.call()
        task = asyncio.ensure_future(call.run())
        for _ in range(5):
            await asyncio.sleep(0)
        assert call._over is not None
        call._end(HangUp("completed", "resolution", None))
        await task
        call.hang_up("after_turn")
        call.abort()

    rig = Rig(open_call)
    asyncio.run(play(rig))
    assert rig.failures == []
    assert len(rig.records) == 2


def test_a_real_call_on_loopback_from_dialling_to_its_natural_end() -> None:
    agent = EchoAgent()
    rig = Rig(plain.open_call)

    async def play() -> CallRecord:
        server = await plain.serve(ServeOptions(), agent)
        call = rig.call()
        call._setup = replace(call._setup, options=CallOptions(f"ws://127.0.0.1:{server.port}"))
        record = await asyncio.wait_for(call.run(), PATIENCE_S)
        await server.close()
        return record

    record = asyncio.run(play())
    assert rig.failures == []
    assert (record.outcome, record.end_reason, record.turn_count) == ("completed", "resolution", 1)
    assert [step.name for step in record.connect.steps][-1] == "upgrade"
    start, turn, last = rig.records
    assert isinstance(start, CallStartRecord)
    assert last is record
    assert isinstance(turn, TurnRecord)
    assert turn.outcome == "answered"
    assert turn.load == LOAD
    # The agent waits 0.1 s for silence and answers at once; a busy machine adds what it likes.
    assert (turn.response_latency_s or 0.0) > 0.08
    assert [part.component for part in turn.components] == ["llm"]
    assert turn.rtt_s is not None
    assert agent.started[0].call_id == CALL.call_id
    assert agent.started[0].traceparent == traceparent(CALL)
    assert agent.headers[0]["traceparent"] == traceparent(CALL)
    assert agent.stopped == 1


def test_a_call_that_is_over_goes_without_the_garbage_collector() -> None:
    parts: dict[str, weakref.ref[object]] = {}

    async def open_call(options: CallOptions, sink: Sink) -> plain.PlainCall:
        wire = await plain.open_call(options, sink)
        parts["wire"], parts["link"] = weakref.ref(wire), weakref.ref(wire._link)
        return wire

    async def play() -> list[str]:
        server = await plain.serve(ServeOptions(), EchoAgent())
        rig = Rig(open_call)
        call = rig.call()
        call._setup = replace(call._setup, options=CallOptions(f"ws://127.0.0.1:{server.port}"))
        parts["call"] = weakref.ref(call)
        gc.disable()
        await call.run()
        del call, rig
        await asyncio.sleep(0)
        left = [name for name, part in parts.items() if part() is not None]
        gc.enable()
        await server.close()
        return left

    assert asyncio.run(play()) == []
