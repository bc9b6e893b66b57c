"""One call before the load: does the target answer at all, and what can be seen of it?

A load test against a mute, garbled or refusing target measures nothing, so it is not started. What
the wire gives is said as well, because it decides what the report will be able to name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import uvloop

from otel_voiceload.conventions import SOURCE_IN_BAND
from otel_voiceload.errors import SmokeFailed
from otel_voiceload.load.plan import call_setup, new_call
from otel_voiceload.model import (
    NS_PER_S,
    CallRecord,
    CallStartRecord,
    LoadContext,
    Record,
    TurnRecord,
)
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import Prepared
from otel_voiceload.runner.screen import seconds
from otel_voiceload.runner.stop import StopRequests, heeding
from otel_voiceload.transports import load as load_transport
from otel_voiceload.transports import split_target
from otel_voiceload.transports.ticker import FrameTicker

TURNS = 2  # enough to see an answer and that a second one follows
_LOAD = LoadContext("smoke", 0, 1, 1)


@dataclass(slots=True)
class Heard:
    """What one call left behind."""

    started: CallStartRecord | None = None
    turns: list[TurnRecord] = field(default_factory=list)
    call: CallRecord | None = None
    errors: list[BaseException] = field(default_factory=list)

    def take(self, record: Record) -> None:
        match record:
            case CallStartRecord():
                self.started = record
            case TurnRecord():
                self.turns.append(record)
            case CallRecord():
                self.call = record
            case _:
                pass

    @property
    def answered(self) -> int:
        return sum(turn.first_audio_mono_ns is not None for turn in self.turns)

    @property
    def agent_s(self) -> float | None:
        """Mean over the turns that it answered to the end."""
        parts = [
            (turn.last_audio_mono_ns - turn.speech_end_mono_ns) / NS_PER_S
            for turn in self.turns
            if turn.outcome == "answered" and turn.last_audio_mono_ns is not None
        ]
        return sum(parts) / len(parts) if parts else None

    @property
    def timed(self) -> list[str]:
        """Components that the target timed in band, in the order heard."""
        names = [
            c.component for t in self.turns for c in t.components if c.source == SOURCE_IN_BAND
        ]
        return list(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Seen:
    """``joined`` counts the target's spans in our trace; None where it can not be known.

    ``agent_s`` is the agent's part of a turn: from the caller's last sample to its own last one.
    ``timed`` are the components that it timed in band.
    """

    lines: list[str]  # the call's timeline
    joined: int | None
    agent_s: float | None = None
    timed: tuple[str, ...] = ()


def smoke(
    plan: RunPlan,
    prepared: Prepared,
    joined: Callable[[str], int | None],
    stop_asked: Callable[[], bool] = lambda: False,
) -> Seen:
    """Play the call and judge it.

    Raises:
        SmokeFailed: the target could not be called, or did not answer.
        TargetRefused: its address is not allowed.
        Interrupted: somebody wanted an end; the call was hung up.
    """
    with heeding(stop_asked) as stop:
        heard = uvloop.run(_play(prepared, stop))
    if stop.count:
        raise stop.error("stopped during the call that comes first; no load was sent")
    if heard.errors:
        raise heard.errors[0]
    judge(heard, plan.target)
    assert heard.call is not None
    count = joined(heard.call.call.trace_id)
    return Seen(timeline(heard, count), count, heard.agent_s, tuple(heard.timed))


async def _play(prepared: Prepared, stop: StopRequests) -> Heard:
    heard = Heard()
    ticker = FrameTicker()
    # A run id of its own: the call's spans are in the store and belong to no run.
    config = replace(prepared.worker, run_id=f"{prepared.run_id}-smoke", trace_sample=1.0)
    setup = call_setup(config, ticker, heard.take, lambda: _LOAD, heard.errors.append)
    call = new_call(config, setup, 0, setup.clock())
    task = asyncio.ensure_future(call.run())
    scenario, _ = prepared.scenarios[0]
    deadline_s = scenario.turn_deadline * (TURNS + 1)
    try:
        while not task.done() and deadline_s > 0:
            await asyncio.wait({task}, timeout=0.2)
            deadline_s = 0.0 if stop.look() else deadline_s - 0.2
            if heard.answered >= TURNS - 1:  # a turn is told when the next one's speech has ended
                call.hang_up("after_turn")
        if not task.done():
            call.abort()
        await task
    finally:
        ticker.close()
    return heard


def judge(heard: Heard, target: str) -> None:
    """Raises SmokeFailed when a load would measure nothing."""
    call = heard.call
    if call is None:
        raise SmokeFailed(f"the smoke call to {target} left no trace; run again with -v")
    if heard.started is None:
        raise SmokeFailed(
            f"the smoke call to {target} failed: {call.detail or call.error_type}; no load was sent"
        )
    if call.outcome == "silent_agent" or not heard.turns:
        raise SmokeFailed(
            f"{target} took the call and never said anything; no load was sent. "
            f"Does it hear {_sound(target)}, and does it answer to ordinary speech?"
        )
    if heard.answered == 0:
        raise SmokeFailed(
            f"{target} answered none of {len(heard.turns)} turns ({_why(call)}); no load was sent"
        )
    if call.outcome in ("dropped", "negotiation_failed"):
        raise SmokeFailed(
            f"{target} ended the smoke call after {heard.answered} answered turns ({_why(call)}); "
            "no load was sent"
        )


def timeline(heard: Heard, joined: int | None) -> list[str]:
    """What the call showed, for people; a line of 80 columns each."""
    call = heard.call
    assert call is not None
    connect_s = (call.connect.end_mono_ns - call.connect.start_mono_ns) / NS_PER_S
    greeting = (
        f"greeted after {seconds(call.greeting_latency_s)}"
        if call.greeting_latency_s is not None
        else "no greeting"
    )
    latencies = [t.response_latency_s for t in heard.turns if t.response_latency_s is not None]
    transcript = any(turn.transcript_mono_ns is not None for turn in heard.turns)
    none = "no, and not needed: it is timed in band"
    if not heard.timed:
        none = "not yet: point its OTLP at the collector to see inside"
    spans = {None: "not known", 0: none}
    return [
        f"smoke call: connected in {seconds(connect_s)}, {greeting}",
        f"  turns answered {heard.answered} of {len(heard.turns)}, "
        f"after {', '.join(seconds(latency) for latency in latencies)}",
        f"  transcript {'yes' if transcript else 'no'}, "
        f"in-band timing {', '.join(heard.timed) or 'no'}",
        f"  trace joined: {spans.get(joined, f'yes, {joined} spans')}",
    ]


def _sound(target: str) -> str:
    encoding = load_transport(split_target(target).scheme).ENCODING
    kind = "PCM16" if encoding.bytes_per_sample == 2 else "mu-law"
    return f"{encoding.sample_rate // 1000} kHz {kind}"


def _why(call: CallRecord) -> str:
    words = [call.outcome, call.error_type or "", call.detail]
    return ", ".join(word for word in words if word)
