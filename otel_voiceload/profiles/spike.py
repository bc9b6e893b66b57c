"""A steady level, five times as much at once, back, ten times as much, back.

The jumps are not spread over a turn cycle: how fast the load really stood, and what of that was the
generator's own doing, is part of the report. Each way back is held long enough to see the target
recover, or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Plain, Request
from otel_voiceload.profiles.levels import (
    asked_or_share,
    countable_hold_s,
    lacking,
    level,
    paced_hold_s,
)

PHASE = "spike"
FACTORS = (5, 10)
STEADY_S = 120.0
SPIKE_S = 60.0
STEADY_SHARE = 0.2  # of the ceiling: five times as much is then the ceiling itself


@dataclass(frozen=True, slots=True)
class Options(Plain):
    """``most`` caps the spikes, in calls; ``note`` says where the steady level is from."""

    steady: int
    steady_s: float = STEADY_S
    spike_s: float = SPIKE_S
    most: int | None = None
    note: str = ""

    name: ClassVar[str] = "spike"
    seeks_limit: ClassVar[bool] = True

    @classmethod
    def of(cls, request: Request) -> Self:
        """``--calls`` is the steady level; a duration is that of the whole profile."""
        if request.stages:
            raise UsageError("the spike profile has its own stages; leave out --stage")
        most = max(1, request.max_calls // FACTORS[-1])
        steady, note = asked_or_share(request, PHASE, STEADY_SHARE, most)
        steady_s, spike_s = STEADY_S, SPIKE_S
        if request.duration_s is not None:
            stretch = request.duration_s / (3 * STEADY_S + 2 * SPIKE_S)
            steady_s, spike_s = stretch * STEADY_S, stretch * SPIKE_S
        return cls(
            steady,
            paced_hold_s(steady_s, request.pace, request.turn_cycle_s),
            paced_hold_s(spike_s, request.pace, request.turn_cycle_s),
            note=note,
        )

    def with_least(self, turns: int, turn_cycle_s: float) -> Self:
        """The same with holds in which so many turns can be counted."""
        steady_s = countable_hold_s(self.steady, turns, turn_cycle_s)
        spike_s = countable_hold_s(self._spike(FACTORS[0]), turns, turn_cycle_s)
        return replace(
            self, steady_s=max(self.steady_s, steady_s), spike_s=max(self.spike_s, spike_s)
        )

    @property
    def peak_calls(self) -> int:
        return max(self.steady, self._spike(FACTORS[-1]))

    def problems(self) -> list[str]:
        return lacking(PHASE, self.steady, self.steady_s, self.spike_s)

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if findings.stages:
            return None
        stages = [level(0, PHASE, 0.0, self.steady_s, self.steady, note=self.note)]
        for factor in FACTORS:
            calls = self._spike(factor)
            note = f"{factor}x the steady level"
            if calls < factor * self.steady:
                note += f", held down to {calls} calls"
            at, index = stages[-1].end_s, len(stages)
            jump = level(index, PHASE, at, self.spike_s, calls, note=note)
            stages.append(replace(jump, at_once=True))
            at, index = stages[-1].end_s, len(stages)
            stages.append(level(index, PHASE, at, self.steady_s, self.steady, repeat_of=0))
        return tuple(stages)

    def _spike(self, factor: int) -> int:
        calls = factor * self.steady
        return calls if self.most is None else min(calls, max(self.steady, self.most))
