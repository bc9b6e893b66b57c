"""To the number of calls that is wanted, in doublings: does it carry what was promised?

Unlike the ramp it asks for no knee and wastes no time on small levels: the last three doublings
show how the target grows, and the top is where thresholds are to hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Plain, Request
from otel_voiceload.profiles.levels import countable_hold_s, halvings, paced_hold_s, staircase

PHASE = "scale"
DEFAULT_CALLS = 100
HOLD_S = 120.0
DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class Options(Plain):
    """``hold_s`` is the length of every level, more where few calls bring ``least_turns`` late."""

    calls: int = DEFAULT_CALLS
    hold_s: float = HOLD_S
    least_turns: int = 0
    turn_cycle_s: float = 7.0

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

    @property
    def peak_calls(self) -> int:
        return self.calls

    def problems(self) -> list[str]:
        found = []
        if self.calls < 1:
            found.append(f"a scale to {self.calls} calls is none; give --calls 1 or more")
        if self.hold_s <= 0:
            found.append("a scale needs time at every level; give --duration more than zero")
        return found

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if findings.stages:
            return None
        levels = halvings(self.calls, DOUBLINGS)
        return staircase(PHASE, ((calls, self._hold_s(calls)) for calls in levels))

    def _hold_s(self, calls: int) -> float:
        if not self.least_turns:
            return self.hold_s
        return max(self.hold_s, countable_hold_s(calls, self.least_turns, self.turn_cycle_s))
