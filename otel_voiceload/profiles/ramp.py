"""Small steps, then doublings up to the target, and one earlier level again at the end.

The small levels are the run's own baseline. The return tells a limit of load from one of time: a
component that is as slow as before at the level it comes back to was not slowed down by load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Request
from otel_voiceload.profiles.levels import level, paced_hold_s, staircase

PHASE = "ramp"
SMALL_STEPS = (1, 2, 3, 4, 6, 8, 10)
DEFAULT_CALLS = 100
DEFAULT_HOLD_S = 60.0
_BACK = 2  # levels below the target: low enough that what queued at the top drains


@dataclass(frozen=True, slots=True)
class Options:
    """``hold_s`` is the length of every level."""

    calls: int = DEFAULT_CALLS
    hold_s: float = DEFAULT_HOLD_S

    name: ClassVar[str] = "ramp"
    seeks_limit: ClassVar[bool] = True

    @classmethod
    def of(cls, request: Request) -> Self:
        """A duration, when given, is that of the whole ramp."""
        if request.stages:
            raise UsageError("the ramp profile has its own stages; leave out --stage")
        calls = DEFAULT_CALLS if request.calls is None else request.calls
        hold_s = DEFAULT_HOLD_S
        if request.duration_s is not None:
            hold_s = request.duration_s / (len(levels_to(calls)) + 1)
        return cls(calls, paced_hold_s(hold_s, request.pace, request.turn_cycle_s))

    @property
    def peak_calls(self) -> int:
        return self.calls

    def problems(self) -> list[str]:
        found = []
        if self.calls < 1:
            found.append(f"a ramp to {self.calls} calls is none; give --calls 1 or more")
        if self.hold_s <= 0:
            found.append("a ramp needs time at every level; give --duration more than zero")
        return found

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if findings.stages:
            return None
        levels = levels_to(self.calls)
        stages = staircase(PHASE, levels, self.hold_s)
        if len(levels) < 2:
            return stages
        back = max(0, len(levels) - 1 - _BACK)
        end_s = stages[-1].end_s
        return *stages, level(len(levels), PHASE, end_s, self.hold_s, levels[back], repeat_of=back)


def levels_to(calls: int) -> tuple[int, ...]:
    """1, 2, 3, 4, 6, 8, 10, then doubling, and ``calls`` itself at the end."""
    levels = [step for step in SMALL_STEPS if step < calls]
    while levels and levels[-1] >= SMALL_STEPS[-1] and levels[-1] * 2 < calls:
        levels.append(levels[-1] * 2)
    return *levels, calls
