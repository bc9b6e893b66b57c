"""Twelve kinds of bad peer, all called at once by one worker, beside calls that are well.

Each has its own class (outcome, error type, end reason of the call), so that no fault of a target's
is taken for another, or for slowness. ``make test`` checks the classes; ``make faults`` also that
every call ends at most 250 ms after its deadline, and that the healthy calls beside them are as
quick as without them.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
import uvloop

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.load.call import Call, CallSetup
from otel_voiceload.load.health import BOUNDS, LoopLag
from otel_voiceload.model import (
    NS_PER_S,
    CallRecord,
    CallStartRecord,
    LoadContext,
    Record,
    TurnRecord,
)
from otel_voiceload.telemetry.context import call_identity
from otel_voiceload.transports import plain
from otel_voiceload.transports.ticker import FrameTicker
from otel_voiceload.transports.wire import CLOSE_GRACE_S, CallOptions, Transport
from tests.faults.bad_peers import HEARD_BEFORE_LEAVING, peers
from tests.faults.findings import status_of
from tests.faults.rounds import IS_FULL

CONNECT_S = 3.0
KEEPALIVE_S = 0.5
PATIENCE_S = 1.5
TURN_S = 2.0
FLOOD_S = 1.0  # a whole burst is through by then, also on a busy machine
OVERRUN_S = 0.25
MOST = {bound.figure: bound.most for bound in BOUNDS}  # what a worker holds itself to
HEALTHY_CALLS = 8
HEALTHY_S = 30.0 if IS_FULL else 1.0
STOPPED_AFTER_S = 0.5
MOST_BYTES = 12 << 20  # of a flood, until it is cut off

PATIENT = {
    "name": "short",
    "think": {"median": "100ms", "p95": "150ms"},
    "reply_end_silence": "200ms",
    "patience": PATIENCE_S,
    "turn_deadline": TURN_S,
    "greeting": {"wait_s": 0},
    "nodes": {
        "open": {"say": {"intent": "open", "max_s": 1.5}, "edges": [{"go": "again"}]},
        "again": {"say": {"intent": "open", "max_s": 1.5}, "edges": [{"go": "done"}]},
        "done": {"end": "resolution"},
    },
}
full_only = pytest.mark.skipif(not IS_FULL, reason="holds a clock: make faults")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what stands still")
LOAD = LoadContext("faults", 0, 1, 1)


@dataclass
class Played:
    """One call, and what it left behind."""

    kind: str
    turns: list[TurnRecord] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_mono_ns: int = 0  # when its peer was stopped
    gone_mono_ns: int = 0  # when nothing was left of it

    def put(self, record: Record) -> None:
        if isinstance(record, CallStartRecord):
            self.connected.set()
        elif isinstance(record, TurnRecord):
            self.turns.append(record)
        elif isinstance(record, CallRecord):
            self.calls.append(record)

    @property
    def record(self) -> CallRecord:
        (record,) = self.calls
        return record

    def overrun_s(self, deadline: Deadline) -> float:
        return self.record.end_mono_ns / NS_PER_S - deadline(self)

    @property
    def left_s(self) -> float:
        """From its end until its connection was gone."""
        return (self.gone_mono_ns - self.record.end_mono_ns) / NS_PER_S

    @property
    def class_(self) -> tuple[str, str | None, str | None]:
        return self.record.outcome, self.record.error_type, self.record.end_reason


Deadline = Callable[[Played], float]
"""When the call has to be over, seconds on the monotonic clock."""


def after_dialling(seconds: float) -> Deadline:
    return lambda played: played.record.start_mono_ns / NS_PER_S + seconds


def after_the_upgrade(seconds: float) -> Deadline:
    return lambda played: played.record.connect.end_mono_ns / NS_PER_S + seconds


def out_of_patience(played: Played) -> float:
    return played.turns[-1].speech_end_mono_ns / NS_PER_S + PATIENCE_S


def turn_over(played: Played) -> float:
    began_mono_ns = played.turns[-1].first_audio_mono_ns
    assert began_mono_ns is not None, "it never began to speak"
    return began_mono_ns / NS_PER_S + TURN_S


def keepalive_over(played: Played) -> float:
    assert played.stopped_mono_ns, "its peer was never stopped"
    return played.stopped_mono_ns / NS_PER_S + 2 * KEEPALIVE_S


LEAVING_S = HEARD_BEFORE_LEAVING * 0.02

#: kind -> outcome, error type, end reason, deadline; the address is the kind's own
CLASSES: dict[str, tuple[str, str | None, str | None, Deadline]] = {
    # refuses
    "refuses": ("refused", "unreachable", None, after_dialling(CONNECT_S)),
    # TLS mismatch
    "speaks_no_tls": ("negotiation_failed", "tls", None, after_dialling(CONNECT_S)),
    # DNS failure
    "has_no_name": ("negotiation_failed", "dns", None, after_dialling(CONNECT_S)),
    # accepts and is mute
    "takes_and_is_silent": ("refused", "handshake_timeout", None, after_dialling(CONNECT_S)),
    # mute, but answers pings
    "is_mute": ("silent_agent", "no_voice", "hang_up", out_of_patience),
    "speaks_once": ("abandoned", "no_response", "hang_up", out_of_patience),
    # garbage
    "answers_rubbish": ("negotiation_failed", "not_websocket", None, after_dialling(CONNECT_S)),
    "sends_reserved_bits": ("dropped", "protocol_error", None, after_the_upgrade(0)),
    "sends_broken_messages": ("silent_agent", "no_voice", "hang_up", out_of_patience),
    # oversize frame
    "sends_an_oversize_frame": ("dropped", "message_too_big", None, after_the_upgrade(0)),
    # floods
    "floods_with_audio": ("dropped", "flooding", None, after_the_upgrade(FLOOD_S)),
    "floods_with_text": ("dropped", "flooding", None, after_the_upgrade(FLOOD_S)),
    # never stops speaking
    "greets_without_end": ("timed_out", "turn_deadline", "hang_up", after_the_upgrade(TURN_S)),
    "answers_without_end": ("timed_out", "turn_deadline", "hang_up", turn_over),
    # closes mid-turn
    "closes": ("dropped", "closed_by_agent", None, after_the_upgrade(LEAVING_S)),
    "goes_away": ("dropped", "connection_lost", None, after_the_upgrade(LEAVING_S)),
    # half-open
    "half_open": ("dropped", "ping_timeout", None, keepalive_over),
    # 429 at the handshake
    "answers_429": ("refused", "rate_limited", None, after_dialling(CONNECT_S)),
}


class Worker:
    """Calls as a worker makes them: one loop, one ticker."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._addresses = addresses
        self._scenario = Scenario.model_validate(PATIENT)
        self._indices = itertools.count()
        self._ticker = FrameTicker()
        self.faults: list[BaseException] = []  # of ours

    async def play(self, played: Played) -> None:
        """One call to the peer of that kind, until nothing is left of it."""
        options = CallOptions(
            self._addresses[played.kind], connect_timeout_s=CONNECT_S, keepalive_s=KEEPALIVE_S
        )
        setup = CallSetup(
            transport=cast("Transport", plain),
            options=options,
            pack=ClipPack.load,
            seed=7,
            ticker=self._ticker,
            emit=played.put,
            load=lambda: LOAD,
            failed=self.faults.append,
        )
        identity = call_identity("faults", next(self._indices), self._scenario.name, True)
        await Call(setup, identity, self._scenario, time.monotonic_ns()).run()
        played.gone_mono_ns = time.monotonic_ns()

    async def keep_calling(self, played: list[Played]) -> None:
        """One healthy call after the other; the last one that begins in time is played out."""
        until = time.monotonic() + HEALTHY_S
        while time.monotonic() < until:
            played.append(Played("healthy"))
            await self.play(played[-1])

    def close(self) -> float:
        """The share of frames that were dropped late."""
        late_share = self._ticker.take_health().late_share
        self._ticker.close()
        return late_share


@dataclass
class Beside:
    """What became of a round: bad peers and healthy calls in one worker."""

    bad: dict[str, Played]
    healthy: list[Played]
    lag_p99_s: float
    late_share: float
    faults: list[BaseException]

    @property
    def latency_s(self) -> float:
        """The median over the healthy turns."""
        turns = [turn for played in self.healthy for turn in played.turns]
        return statistics.median(turn.response_latency_s or 99.0 for turn in turns)


async def play_round(
    addresses: dict[str, str], kinds: Iterable[str], stop_peer: Callable[[], None]
) -> Beside:
    ClipPack.load(PCM16_16K)
    worker, lag = Worker(addresses), LoopLag()
    bad = {kind: Played(kind) for kind in kinds}
    healthy: list[Played] = []
    lag.start()
    async with asyncio.TaskGroup() as group:
        for _ in range(HEALTHY_CALLS):
            group.create_task(worker.keep_calling(healthy))
        for played in bad.values():
            group.create_task(worker.play(played))
        if "half_open" in bad:
            await bad["half_open"].connected.wait()
            await asyncio.sleep(STOPPED_AFTER_S)  # a fault has to strike in mid-call
            stop_peer()
            bad["half_open"].stopped_mono_ns = time.monotonic_ns()
    lag.stop()
    return Beside(bad, healthy, lag.take_p99_s(), worker.close(), worker.faults)


@contextmanager
def everybody() -> Iterator[tuple[dict[str, str], Callable[[], None]]]:
    """Addresses of all peers, and what stops the one that is to be half-open."""
    with ExitStack() as stack:
        bad, _ = stack.enter_context(peers("bad"))
        stoppable, process = stack.enter_context(peers("stoppable"))
        healthy, _ = stack.enter_context(peers("healthy"))
        taken = stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))  # and does not listen
        nobody = {
            "refuses": f"ws://127.0.0.1:{taken.getsockname()[1]}",
            "has_no_name": "ws://nobody.invalid",
        }

        stopped: list[int] = []

        def stop_peer() -> None:
            process.send_signal(signal.SIGSTOP)
            stopped.append(process.pid)

        yield {**bad, **stoppable, **healthy, **nobody}, stop_peer
        for pid in stopped:
            assert status_of(pid, "State").startswith("T"), "it was not stopped"


@pytest.fixture(scope="module")
def beside() -> Beside:
    with everybody() as (addresses, stop_peer):
        return uvloop.run(play_round(addresses, CLASSES, stop_peer))


@pytest.mark.parametrize("kind", CLASSES)
def test_every_kind_has_its_own_class(beside: Beside, kind: str) -> None:
    *class_, deadline = CLASSES[kind]
    played = beside.bad[kind]
    print(f"{kind:24}", *played.class_, f"{played.overrun_s(deadline) * 1000:+.0f} ms", sep="  ")

    assert played.class_ == tuple(class_), played.record.detail


def test_healthy_calls_beside_them_come_to_their_natural_end(beside: Beside) -> None:
    assert len(beside.healthy) >= HEALTHY_CALLS
    assert {played.class_ for played in beside.healthy} == {("completed", None, "resolution")}
    assert beside.faults == []


def test_a_flood_is_cut_off_before_it_fills_the_memory(beside: Beside) -> None:
    assert beside.bad["floods_with_audio"].record.media.bytes_received < MOST_BYTES


@full_only
@pytest.mark.parametrize("kind", CLASSES)
def test_no_call_overruns_its_deadline_by_more_than_250_ms(beside: Beside, kind: str) -> None:
    played = beside.bad[kind]

    assert played.overrun_s(CLASSES[kind][3]) <= OVERRUN_S
    # The connection is closed in order after the call is over, and cut when that takes too long.
    assert played.left_s <= CLOSE_GRACE_S + OVERRUN_S


@full_only
def test_healthy_calls_are_as_quick_as_without_bad_peers_beside_them() -> None:
    with everybody() as (addresses, stop_peer):
        alone = uvloop.run(play_round(addresses, (), stop_peer))
        beside = uvloop.run(play_round(addresses, CLASSES, stop_peer))
    print(f"latency {alone.latency_s:.3f} s alone, {beside.latency_s:.3f} s beside")
    print(f"lag p99 {alone.lag_p99_s:.4f} s alone, {beside.lag_p99_s:.4f} s beside")

    assert len(beside.healthy) >= 0.9 * len(alone.healthy)
    assert beside.latency_s <= 1.05 * alone.latency_s
    assert beside.lag_p99_s <= MOST["loop_lag_p99_s"]
    assert beside.late_share <= MOST["late_share"]
