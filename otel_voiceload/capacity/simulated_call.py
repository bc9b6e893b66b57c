"""A caller without a voice: what a simulated call remembers, and the records it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from otel_voiceload.capacity.knee import TurnCycle
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.model import (
    CallIdentity,
    CallRecord,
    ConnectRecord,
    LoadContext,
    MediaStats,
    TurnRecord,
)

# The demo scenario's: short enough for some turns per level in 45 s.
_DEMO_SPEECH: Final = Lognormal(1.2, 1.4)
_DEMO_THINK: Final = Lognormal(0.2, 0.3)


@dataclass(frozen=True, slots=True)
class CallerModel:
    """How long callers speak and think, how many turns they take, how patient they are."""

    speech: Lognormal = _DEMO_SPEECH
    think: Lognormal = _DEMO_THINK
    turns_per_call: int = 4
    patience_s: float = 8.0  # after the end of speech; then the caller hangs up
    between_s: float = 0.05  # hanging up and being connected again
    think_least_s: float = 0.0  # so long they listen whether the agent says more
    greeting_wait_s: float = 0.0  # for an agent that speaks first; zero: the caller begins

    def cycle(self) -> TurnCycle:
        return TurnCycle(
            speech_s=self.speech.mean_s,
            # The last turn of a call has no think time after it.
            think_s=self.think.mean_s * (1 - 1 / self.turns_per_call),
            between_s=self.between_s / self.turns_per_call,
        )


@dataclass(slots=True)
class SimulatedTurn:
    """The turn a call is in. ``first_ns`` is set when its audio reaches the caller."""

    index: int
    load: LoadContext
    speech_start_ns: int
    speech_end_ns: int
    rtt_s: float
    first_ns: int | None = None
    last_ns: int | None = None
    outcome: str = "no_response"


@dataclass(slots=True)
class SimulatedCall:
    """One call; ``closing`` once its slot was closed, so that it ends after its turn."""

    slot: int
    identity: CallIdentity
    load: LoadContext  # at its start
    start_ns: int
    turn: SimulatedTurn | None = None
    closing: bool = False
    greeting_s: float | None = None

    def turn_record(self, patience_s: float) -> TurnRecord:
        """The turn it is in, which just ended; the components' work is added at the end."""
        turn = self.turn
        assert turn is not None
        return TurnRecord(
            call=self.identity,
            load=turn.load,
            turn_index=turn.index,
            outcome=turn.outcome,
            clip_id=f"{self.identity.call_index}.{turn.index}",  # nobody says the same twice
            speech_start_mono_ns=turn.speech_start_ns,
            speech_end_mono_ns=turn.speech_end_ns,
            first_byte_mono_ns=turn.first_ns,
            first_audio_mono_ns=turn.first_ns,
            last_audio_mono_ns=turn.last_ns,
            transcript_mono_ns=None,
            deadline_s=patience_s,
            send_delay_s=0.0,
            rtt_s=turn.rtt_s,
            heard_text="",
            components=(),
        )

    def call_record(self, end_ns: int, outcome: str, end_reason: str | None) -> CallRecord:
        return CallRecord(
            call=self.identity,
            load=self.load,
            scheduled_mono_ns=self.start_ns,
            start_mono_ns=self.start_ns,
            end_mono_ns=end_ns,
            outcome=outcome,
            end_reason=end_reason,
            turn_count=0 if self.turn is None else self.turn.index + 1,
            greeting_latency_s=self.greeting_s,
            connect=ConnectRecord(self.start_ns, self.start_ns, (), "simulated", 0, "none", "sim"),
            media=MediaStats(),
        )
