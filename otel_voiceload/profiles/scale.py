"""To the number of calls that is wanted, in doublings: does it carry what was promised?

Unlike the ramp it asks for no knee and wastes no time on small levels: the last three doublings
show how the target grows, and the top is where thresholds are to hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Request
from otel_voiceload.profiles.levels import Levels, halvings, paced_hold_s, staircase

PHASE = "scale"
DEFAULT_CALLS = 100
HOLD_S = 120.0
DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class Options(Levels):
    """``calls`` is the top."""

    calls: int = DEFAULT_CALLS
    hold_s: float = HOLD_S

    name: ClassVar[str] = "scale"
    seeks_limit: ClassVar[bool] = True

    @classmethod
    def of(cls, request: Request) -> Self:
        """A duration, when given, is that of the whole profile."""
        if request.stages:
            raise UsageError("the scale profile has its own stages; leave out --stage")
        calls = DEFAULT_CALLS if request.calls is None else request.calls
        hold_s = HOLD_S
        if request.duration_s is not None:
            hold_s = request.duration_s / len(halvings(calls, DOUBLINGS))
        cycle_s = request.turn_cycle_s
        return cls(calls, paced_hold_s(hold_s, request.pace, cycle_s), turn_cycle_s=cycle_s)

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if findings.stages:
            return None
        levels = halvings(self.calls, DOUBLINGS)
        return staircase(PHASE, ((calls, self.held_s(calls)) for calls in levels))
