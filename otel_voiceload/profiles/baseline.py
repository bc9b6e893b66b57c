"""Ten calls, for as long as it takes that enough of them come to their natural end.

Few calls, so that nothing queues; many ends, because a completion rate of 75 calls is the least
that can be told from one five points lower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Request
from otel_voiceload.profiles.levels import level, paced_hold_s

PHASE = "baseline"
MAX_CALLS = 10  # above this it is no baseline: components may queue already
HOLD_S = 60.0
PIECE_S = 30.0
LONGEST_S = 900.0


@dataclass(frozen=True, slots=True)
class Options:
    """``hold_s`` at first, then pieces of ``piece_s`` until the ends are there or time is up."""

    calls: int = MAX_CALLS
    hold_s: float = HOLD_S
    piece_s: float = PIECE_S
    longest_s: float = LONGEST_S
    natural_ends: int = 75

    name: ClassVar[str] = "baseline"
    seeks_limit: ClassVar[bool] = False

    @classmethod
    def of(cls, request: Request) -> Self:
        if request.stages:
            raise UsageError("the baseline profile has its own stages; leave out --stage")
        calls = MAX_CALLS if request.calls is None else request.calls
        longest_s = LONGEST_S if request.duration_s is None else request.duration_s
        longest_s *= request.pace
        hold_s = paced_hold_s(HOLD_S, request.pace, request.turn_cycle_s)
        return cls(
            calls=calls,
            hold_s=min(hold_s, longest_s) if request.duration_s is not None else hold_s,
            piece_s=paced_hold_s(PIECE_S, request.pace, request.turn_cycle_s),
            longest_s=longest_s,
        )

    @property
    def peak_calls(self) -> int:
        return self.calls

    def problems(self) -> list[str]:
        found = []
        if not 1 <= self.calls <= MAX_CALLS:
            found.append(f"a baseline holds 1 to {MAX_CALLS} calls, not {self.calls}; use --calls")
        if self.hold_s <= 0:
            found.append("a baseline needs time; give --duration more than zero")
        return found

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if not findings.stages:
            return (level(0, PHASE, 0.0, self.hold_s, self.calls),)
        left_s = self.longest_s - findings.end_s
        if findings.natural_ends >= self.natural_ends or left_s <= 0:
            return None
        index, piece_s = len(findings.stages), min(self.piece_s, left_s)
        return (level(index, PHASE, findings.end_s, piece_s, self.calls),)
