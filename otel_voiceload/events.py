"""What a wire delivers: audio, words, timings and ends, each with the moment it arrived.

The same values on every wire, so that a conversation knows of none. ``arrival_mono_ns`` is when the
process that holds the socket read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_voiceload.conventions import Component

# --- on the caller's side -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AudioHeard:
    """Audio from the other end, in the wire's encoding, any length."""

    data: bytes
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class TranscriptHeard:
    role: str  # "agent" or "caller": who said it
    text: str
    final: bool
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class TimingHeard:
    """In-band component timing; seconds since the agent received ``start``."""

    turn: int
    component: Component
    attempt: int
    start_s: float
    first_s: float | None  # None: this attempt gave nothing
    end_s: float
    queue_s: float
    status: str  # "ok" or an error type such as "rate_limited"
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class ClearHeard:
    """The agent asks to drop its audio that was not played yet."""

    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class EndHeard:
    """The agent ends the call: ``resolution``, ``transfer``, ``callback`` or ``hang_up``."""

    reason: str
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class ErrorHeard:
    type: str
    message: str
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class PongHeard:
    rtt_ns: int
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class WireClosed:
    """The connection is gone; ``error_type`` is None when it was closed in order."""

    error_type: str | None
    detail: str
    arrival_mono_ns: int


# --- on the agent's side --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallStarted:
    call_id: str
    traceparent: str | None
    sample_rate: int
    params: dict[str, str]
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class SpeechEndHint:
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class MarkHeard:
    """A name that one end puts behind audio and the other gives back once that audio has played."""

    name: str
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class DtmfHeard:
    """The caller pressed a key of the telephone."""

    digit: str
    arrival_mono_ns: int


@dataclass(frozen=True, slots=True)
class CallStopped:
    """The caller hangs up in order."""

    arrival_mono_ns: int


WireEvent = (
    AudioHeard
    | TranscriptHeard
    | TimingHeard
    | ClearHeard
    | EndHeard
    | ErrorHeard
    | PongHeard
    | WireClosed
    | CallStarted
    | SpeechEndHint
    | MarkHeard
    | DtmfHeard
    | CallStopped
)
