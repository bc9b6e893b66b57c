"""Small steps, then doublings up to the target, and one earlier level again at the end.

The small levels are the run's own baseline. The return tells a limit of load from one of time: a
component that is as slow as before at the level it comes back to was not slowed down by load.

Until the knee, the levels above ten follow one at a time from what was measured so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Request, StageFinding, StopReason, search
from otel_voiceload.profiles.levels import Levels, level, paced_hold_s, staircase

PHASE = "ramp"
SMALL_STEPS = (1, 2, 3, 4, 6, 8, 10)
DEFAULT_CALLS = 100
DEFAULT_HOLD_S = 60.0
_BACK = 2  # levels below the target: low enough that what queued at the top drains


@dataclass(frozen=True, slots=True)
class Options(Levels):
    """``calls`` is the top. ``held_before`` is a level below it that the run has already held."""

    calls: int = DEFAULT_CALLS
    hold_s: float = DEFAULT_HOLD_S
    until_knee: bool = False
    small_steps: tuple[int, ...] = SMALL_STEPS
    held_before: int = 0

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
            if request.until_knee:
                raise UsageError(
                    "--until-knee ends by what it finds; leave out --duration, or use --pace"
                )
            hold_s = request.duration_s / (len(levels_to(calls)) + 1)
        hold_s = paced_hold_s(hold_s, request.pace, request.turn_cycle_s)
        cycle_s = request.turn_cycle_s
        return cls(calls, hold_s, turn_cycle_s=cycle_s, until_knee=request.until_knee)

    def needs_measure(self, findings: Findings) -> bool:
        if not self.until_knee or not findings.stages or _returned(findings):
            return False
        return findings.measured_now is None

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if self.until_knee:
            return self._search(findings)
        if findings.stages:
            return None
        levels = [
            calls
            for calls in levels_to(self.calls, self.small_steps)
            if calls != self.held_before or calls == self.calls
        ]
        stages = staircase(PHASE, ((calls, self.held_s(calls)) for calls in levels))
        if len(levels) < 2:
            return stages
        return *stages, self._return(stages, max(0, len(levels) - 1 - _BACK))

    def stop_reason(self, findings: Findings) -> StopReason:
        return self._step(findings).stop_reason if self.until_knee else "target_reached"

    def _search(self, findings: Findings) -> tuple[Stage, ...] | None:
        stages = tuple(found.stage for found in findings.stages)
        if not stages:
            small = [step for step in self.small_steps if step <= self.calls]
            levels = small or [self.calls]
            return staircase(PHASE, ((calls, self.held_s(calls)) for calls in levels))
        if _returned(findings):
            return None
        step = self._step(findings)
        if step.calls is not None:
            hold_s, index = self.held_s(step.calls), len(stages)
            return (level(index, PHASE, findings.end_s, hold_s, step.calls, note=step.why),)
        half = max(stage.calls_to for stage in stages) / 2
        low = [i for i, stage in enumerate(stages) if stage.calls_to <= half]
        if not low:
            return None
        return (self._return(stages, max(low, key=lambda i: stages[i].calls_to), step.why),)

    def _step(self, findings: Findings) -> search.Step:
        """What follows from the levels that were held; pieces of them do not count."""
        levels = [f for f in findings.stages if f.stage.repeat_of is None and not f.held_on]
        held = tuple(round(found.stage.calls_to) for found in levels)
        return search.next_step(held, findings.measured, self.calls, _limited_at_last(levels))

    def _return(self, stages: tuple[Stage, ...], to: int, why: str = "") -> Stage:
        calls = round(stages[to].calls_to)
        note = f"{why}; the level of {calls} once more" if why else ""
        end_s, hold_s = stages[-1].end_s, self.held_s(calls)
        return level(len(stages), PHASE, end_s, hold_s, calls, repeat_of=to, note=note)


def levels_to(calls: int, small_steps: tuple[int, ...] = SMALL_STEPS) -> tuple[int, ...]:
    """1, 2, 3, 4, 6, 8, 10, then doubling, and ``calls`` itself at the end."""
    levels = [step for step in small_steps if step < calls]
    while levels and levels[-1] >= small_steps[-1] and levels[-1] * 2 < calls:
        levels.append(levels[-1] * 2)
    return *levels, calls


def _limited_at_last(levels: Sequence[StageFinding]) -> tuple[bool, ...]:
    """Of each time in a row that the last level was held, whether the generator was the limit."""
    calls = levels[-1].stage.calls_to
    times = takewhile(lambda found: found.stage.calls_to == calls, reversed(levels))
    return tuple(found.generator_limited for found in times)[::-1]


def _returned(findings: Findings) -> bool:
    return bool(findings.stages) and findings.stages[-1].stage.repeat_of is not None
