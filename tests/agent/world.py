"""A world for one agent process in virtual time: clock, alarm, ticker, wires that write down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_voiceload.agent.call import AgentCall, Staff
from otel_voiceload.agent.desk import Desk
from otel_voiceload.agent.tracing import Tracing
from otel_voiceload.agent.voice import Voice
from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.audio.encoding import FRAME_NS, PCM16_16K
from otel_voiceload.audio.fingerprint import Fingerprints
from otel_voiceload.capacity.config import parse_agent_config
from otel_voiceload.capacity.pipeline import Pipeline
from otel_voiceload.events import AudioHeard, CallStarted, CallStopped, WireClosed
from otel_voiceload.model import NS_PER_S, ClockAnchor

PACK = ClipPack.load(PCM16_16K)
PRINTS = Fingerprints(PACK)
START_NS = 500 * NS_PER_S
UNIX_NS = 1_700_000_000 * NS_PER_S
TRACE, PARENT = "a" * 32, "b" * 16
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"

FLAT = {
    name: {"latency": {"median": f"{ms}ms", "p95": f"{ms}ms"}, "capacity": 20}
    for name, ms in (("stt", 100), ("llm", 200), ("tts", 60))
}


@dataclass
class FakeTicket:
    callback: Callable[[int, int], None]


class FakeTicker:
    def __init__(self) -> None:
        self.tickets: list[FakeTicket] = []

    def add(self, callback: Callable[[int, int], None]) -> FakeTicket:
        ticket = FakeTicket(callback)
        self.tickets.append(ticket)
        return ticket

    def remove(self, ticket: FakeTicket) -> None:
        self.tickets.remove(ticket)

    def keep_up(self, now_ns: int) -> None:
        """Nothing is ever late here: a test says when a frame is due."""


class FakeAlarm:
    at_ns: int | None = None
    run: Callable[[], None]

    def set(self, at_ns: int, run: Callable[[], None]) -> None:
        self.at_ns, self.run = at_ns, run


@dataclass
class FakeWire:
    """Writes down what the agent says: (time, kind, what)."""

    world: World
    headers: Mapping[str, str] = field(default_factory=dict)
    encoding = PCM16_16K
    said: list[tuple[int, str, Any]] = field(default_factory=list)

    def _note(self, kind: str, what: Any = None) -> None:
        self.said.append((self.world.now_ns, kind, what))

    def send(self, audio: bytes) -> None:
        self._note("audio", audio)

    def transcript(self, role: str, text: str, final: bool) -> None:
        assert final
        self._note("transcript", (role, text))

    def timing(self, *values: Any) -> None:
        self._note("timing", values)

    def clear(self) -> None:
        self._note("clear")

    def end(self, reason: str) -> None:
        self._note("end", reason)

    def error(self, type_: str, message: str) -> None:
        self._note("error", (type_, message))

    def close(self) -> None:
        self._note("close")

    def abort(self) -> None:
        self._note("abort")

    def all(self, kind: str) -> list[Any]:
        return [what for _, name, what in self.said if name == kind]

    def times(self, kind: str) -> list[int]:
        return [at_ns for at_ns, name, _ in self.said if name == kind]


class World:
    def __init__(self, **settings: Any) -> None:
        config = parse_agent_config(
            {"components": FLAT, "greeting": False, "reply": {"median": 0.8, "p95": 0.8}}
            | settings,
            "test",
        )
        self.now_ns = START_NS
        self.alarm, self.ticker = FakeAlarm(), FakeTicker()
        self.spans = InMemorySpanExporter()
        anchor = ClockAnchor(START_NS, UNIX_NS)
        self.staff = Staff(
            config=config,
            desk=Desk(Pipeline(config), self.alarm, lambda: self.now_ns),
            voice=Voice(PACK, config),
            recognise=recognise,
            ticker=self.ticker,  # type: ignore[arg-type]  # a ticker in virtual time
            tracing=Tracing(anchor, SimpleSpanProcessor(self.spans)),
        )

    def call(self, call_id: str = "call", traceparent: str | None = SAMPLED) -> Line:
        line = Line(self, call_id)
        line.sink(CallStarted(call_id, traceparent, 16_000, {}, self.now_ns))
        return line

    def advance(self, length_ns: int) -> None:
        """Let time go by; the ticker rings at the end of it."""
        until_ns = self.now_ns + length_ns
        while self.alarm.at_ns is not None and self.alarm.at_ns <= until_ns:
            self.now_ns = max(self.now_ns, self.alarm.at_ns)
            self.alarm.at_ns = None
            self.alarm.run()
        self.now_ns = until_ns
        for ticket in tuple(self.ticker.tickets):
            ticket.callback(self.now_ns, self.now_ns)


class Line:
    """One caller."""

    def __init__(self, world: World, call_id: str) -> None:
        self.world = world
        self.wire = FakeWire(world)
        self.sink = AgentCall(world.staff, self.wire)
        self.call_id = call_id
        self._idle = 0

    def frame(self, data: bytes) -> None:
        self.world.advance(FRAME_NS)
        self.sink(AudioHeard(data, self.world.now_ns))

    def say(self, clip: Clip, frames: int | None = None) -> int:
        """Speak; returns when the last sample of speech was heard."""
        start_ns = self.world.now_ns
        for number in range(frames or clip.n_frames):
            self.frame(clip.frame(number))
        return start_ns + clip.encoding.sample_ns(clip.speech_end_sample)

    def quiet(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.frame(PACK.idle_frame(self._idle))
            self._idle += 1

    def hang_up(self) -> None:
        self.sink(CallStopped(self.world.now_ns))
        self.sink(WireClosed(None, "", self.world.now_ns))


def recognise(data: bytes) -> Clip | None:
    match = PRINTS.match(data)
    return None if match is None else match.clip


def caller(intent: str, shortest: bool = True) -> Clip:
    clips = sorted(PACK.callers(intent), key=lambda clip: clip.speech_s)
    return clips[0 if shortest else -1]
