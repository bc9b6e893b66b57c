"""One level for hours: leaks, drifts and what only time brings.

At three quarters of what was measured as the ceiling nothing should queue, so whatever changes over
the hours is not the load's doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Request
from otel_voiceload.profiles.levels import Levels, asked_or_share, level, paced_hold_s

PHASE = "soak"
SHARE = 0.75
DEFAULT_S = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Options(Levels):
    """``note`` says where the level is from."""

    calls: int
    hold_s: float = DEFAULT_S
    note: str = ""

    name: ClassVar[str] = "soak"
    seeks_limit: ClassVar[bool] = False

    @classmethod
    def of(cls, request: Request) -> Self:
        if request.stages:
            raise UsageError("the soak profile has one level of its own; leave out --stage")
        calls, note = asked_or_share(request, PHASE, SHARE, request.max_calls)
        hold_s = DEFAULT_S if request.duration_s is None else request.duration_s
        cycle_s = request.turn_cycle_s
        paced_s = paced_hold_s(hold_s, request.pace, cycle_s)
        return cls(calls, paced_s, turn_cycle_s=cycle_s, note=note)

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if findings.stages:
            return None
        return (level(0, PHASE, 0.0, self.held_s(self.calls), self.calls, note=self.note),)
