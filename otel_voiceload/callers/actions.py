"""What a conversation wants done. The load room carries it out on a wire and a telemetry pipe."""

from __future__ import annotations

from dataclasses import dataclass

from otel_voiceload.model import TurnRecord


@dataclass(frozen=True, slots=True)
class SendFrame:
    """20 ms of audio, due now."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """The caller's last speech sample is in the frame just sent; for wires with such a hint."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask the wire for a round trip."""


@dataclass(frozen=True, slots=True)
class TurnFinished:
    record: TurnRecord


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is over; always the last action. ``outcome`` is one of ``CALL_OUTCOMES``."""

    outcome: str
    end_reason: str | None
    error_type: str | None


Action = SendFrame | SpeechEnd | Ping | TurnFinished | HangUp
