"""The wire without a network: both ends in one process, for tests of what lies above.

Delivery goes through the event loop, as with a socket: a receiver never runs inside its sender's
``send``. The table of listening ports stands for the kernel's, which is why it is the module's.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from otel_voiceload.audio.encoding import PCM16_16K, Encoding
from otel_voiceload.conventions import Component
from otel_voiceload.errors import UsageError, WireError
from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    CallStopped,
    ClearHeard,
    EndHeard,
    ErrorHeard,
    PongHeard,
    SpeechEndHint,
    TimingHeard,
    TranscriptHeard,
    WireClosed,
    WireEvent,
)
from otel_voiceload.model import ConnectRecord, ConnectStep, MediaStats
from otel_voiceload.transports.network_delay import NetworkDelay
from otel_voiceload.transports.wire import CallOptions, Handler, ServeOptions, Sink

Options = CallOptions
ENCODING = PCM16_16K
TELLS = frozenset({TranscriptHeard, TimingHeard, ClearHeard, EndHeard, ErrorHeard})

_now = time.monotonic_ns
_listening: dict[int, MemoryServer] = {}
_ports = itertools.count(1)


class _Pipe:
    """What the two ends of one connection share: order, delay, and whether it is open."""

    def __init__(self, delay: NetworkDelay | None) -> None:
        self.open = True
        self.caller: Sink | None = None
        self.agent: Sink | None = None
        self._inward = delay.lane() if delay else None  # to the agent
        self._outward = delay.lane() if delay else None

    def to_agent(self, make: Callable[[int], WireEvent]) -> None:
        if self.open:
            self._put(self._inward is not None, True, make)

    def to_caller(self, make: Callable[[int], WireEvent]) -> None:
        if self.open:
            self._put(self._outward is not None, False, make)

    def ping(self, heard: Callable[[int], None]) -> None:
        """Call ``heard`` with the arrival time once both ways were gone."""
        if not self.open:
            return
        if self._inward is None or self._outward is None:
            asyncio.get_running_loop().call_soon(lambda: heard(_now()))
        else:
            outward = self._outward
            self._inward.put(lambda: outward.put(lambda: heard(_now())))

    def shut(self, caller_hears: str | None, agent_hears: str | None) -> None:
        if self.open:
            self.to_agent(lambda now: WireClosed(agent_hears, "closed", now))
            self.to_caller(lambda now: WireClosed(caller_hears, "closed", now))
            self.open = False

    def _put(self, delayed: bool, to_agent: bool, make: Callable[[int], WireEvent]) -> None:
        def deliver() -> None:
            sink = self.agent if to_agent else self.caller
            if sink is not None:
                sink(make(_now()))

        lane = self._inward if to_agent else self._outward
        if delayed and lane is not None:
            lane.put(deliver)
        else:
            asyncio.get_running_loop().call_soon(deliver)


class MemoryCall:
    """The caller's end; see ``wire.Wire``."""

    encoding: Encoding = PCM16_16K

    def __init__(self, pipe: _Pipe, options: Options, port: int, sink: Sink) -> None:
        self._pipe = pipe
        self._params = options.params
        self._traffic = options.traffic  # of sound alone: nothing else has bytes here
        self._sink = sink
        now = _now()
        step = ConnectStep("upgrade", now)
        self.connect = ConnectRecord(now, now, (step,), "memory", port, "memory", "memory")
        self._sent = self._received = self._messages_sent = self._messages_received = 0
        self._rtt_s: float | None = None
        pipe.caller = self._hear

    def start(self, call_id: str, traceparent: str | None, params: Mapping[str, str]) -> None:
        merged = {**self._params, **params}
        rate = self.encoding.sample_rate
        self._messages_sent += 1
        self._pipe.to_agent(lambda now: CallStarted(call_id, traceparent, rate, merged, now))

    def send(self, frame: bytes) -> None:
        self._sent += len(frame)
        self._traffic.sent += len(frame)
        self._messages_sent += 1
        self._pipe.to_agent(lambda now: AudioHeard(frame, now))

    def speech_end(self) -> None:
        self._messages_sent += 1
        self._pipe.to_agent(SpeechEndHint)

    def ping(self) -> None:
        asked = _now()

        def heard(now: int) -> None:
            self._rtt_s = (now - asked) / 1e9
            if self._pipe.open:
                self._sink(PongHeard(now - asked, now))

        self._pipe.ping(heard)

    def stats(self) -> MediaStats:
        return MediaStats(
            self._sent,
            self._received,
            self._messages_sent,
            self._messages_received,
            rtt_s=self._rtt_s,
        )

    async def close(self) -> MediaStats:
        self._pipe.to_agent(CallStopped)
        self._pipe.shut(None, None)
        return self.stats()

    def abort(self) -> MediaStats:
        self._pipe.shut(None, "connection_lost")
        return self.stats()

    def _hear(self, event: WireEvent) -> None:
        if isinstance(event, AudioHeard):
            self._received += len(event.data)
            self._traffic.received += len(event.data)
        self._messages_received += not isinstance(event, WireClosed)
        self._sink(event)


class MemoryAgent:
    """The agent's end; see ``wire.AgentWire``."""

    encoding: Encoding = PCM16_16K

    def __init__(self, pipe: _Pipe, headers: Mapping[str, str]) -> None:
        self._pipe = pipe
        self.headers = headers

    def send(self, audio: bytes) -> None:
        self._pipe.to_caller(lambda now: AudioHeard(audio, now))

    def transcript(self, role: str, text: str, final: bool) -> None:
        self._pipe.to_caller(lambda now: TranscriptHeard(role, text, final, now))

    def timing(
        self,
        turn: int,
        component: Component,
        attempt: int,
        start_s: float,
        first_s: float | None,
        end_s: float,
        queue_s: float,
        status: str,
    ) -> None:
        self._pipe.to_caller(
            lambda now: TimingHeard(
                turn, component, attempt, start_s, first_s, end_s, queue_s, status, now
            )
        )

    def clear(self) -> None:
        self._pipe.to_caller(ClearHeard)

    def end(self, reason: str) -> None:
        self._pipe.to_caller(lambda now: EndHeard(reason, now))

    def error(self, type_: str, message: str) -> None:
        self._pipe.to_caller(lambda now: ErrorHeard(type_, message, now))

    def close(self) -> None:
        self._pipe.shut(None, None)

    def abort(self) -> None:
        self._pipe.shut("connection_lost", None)


class MemoryServer:
    def __init__(self, port: int, options: ServeOptions, handler: Handler) -> None:
        self.port = port
        self._handler = handler
        self._delay = NetworkDelay(options.network_delay) if options.network_delay else None
        self._pipes: list[_Pipe] = []

    def accept(self, options: Options, sink: Sink) -> MemoryCall:
        pipe = _Pipe(self._delay)
        self._pipes = [*(p for p in self._pipes if p.open), pipe]
        call = MemoryCall(pipe, options, self.port, sink)
        pipe.agent = self._handler(
            MemoryAgent(pipe, {k.lower(): v for k, v in options.headers.items()})
        )
        return call

    async def close(self) -> None:
        _listening.pop(self.port, None)
        for pipe in self._pipes:
            pipe.shut(None, None)


async def open_call(options: Options, sink: Sink) -> MemoryCall:
    """Connect to ``memory://host:port``; the host is ignored.

    Raises:
        WireError: nobody listens on that port.
    """
    port = urlsplit(options.url).port or 0
    server = _listening.get(port)
    if server is None:
        raise WireError(
            f"nobody listens on {options.place}; start the agent first",
            outcome="refused",
            error_type="unreachable",
        )
    return server.accept(options, sink)


async def serve(options: ServeOptions, handler: Handler) -> MemoryServer:
    """Listen on ``options.port``, or on a free one for 0.

    Raises:
        UsageError: the port is taken.
    """
    port = options.port or next(p for p in _ports if p not in _listening)
    if port in _listening:
        raise UsageError(f"memory port {port} is in use; choose another one")
    server = MemoryServer(port, options, handler)
    _listening[port] = server
    return server
