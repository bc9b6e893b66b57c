"""One level for hours: leaks, drifts and what only time brings.

At three quarters of what was measured as the ceiling nothing should queue, so whatever changes over
the hours is not the load's doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import CeilingUnknown, UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Plain, Request
from otel_voiceload.profiles.levels import level, paced_hold_s

PHASE = "soak"
SHARE = 0.75
DEFAULT_S = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Options(Plain):
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
        calls, note = request.calls, ""
        if calls is None:
            if request.ceiling is None or request.ceiling.calls is None:
                why = "" if request.ceiling is None else f" ({request.ceiling.source})"
                raise CeilingUnknown(
                    f"a soak holds {SHARE * 100:.0f}% of the measured ceiling, and none is known"
                    f"{why}; give --calls"
                )
            calls, note = request.ceiling.share(SHARE, 1)
            calls = min(calls, request.max_calls)
        hold_s = DEFAULT_S if request.duration_s is None else request.duration_s
        return cls(calls, paced_hold_s(hold_s, request.pace, request.turn_cycle_s), note)

    @property
    def peak_calls(self) -> int:
        return self.calls

    def problems(self) -> list[str]:
        found = []
        if self.calls < 1:
            found.append(f"a soak of {self.calls} calls is none; give --calls 1 or more")
        if self.hold_s <= 0:
            found.append("a soak needs time; give --duration more than zero")
        return found

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if findings.stages:
            return None
        return (level(0, PHASE, 0.0, self.hold_s, self.calls, note=self.note),)
