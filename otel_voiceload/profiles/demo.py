"""The ramp of ``ovl demo``: five levels around a knee planted at 48 calls, in 45 seconds.

The lengths come from simulation: with the demo's short turns, holds of 8 to 12 seconds leave enough
of them at every level to find the knee within a fifth. Half the planted knee is held twice, before
and after the peak. A level at which the generator was the limit proves nothing, so it is held
again, while there is time, before the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Plain, Request, StageFinding
from otel_voiceload.profiles.levels import level

PHASE = "ramp"
DEFAULT_S = 45.0
LEVELS = ((12, 8.0), (24, 9.0), (48, 8.0), (96, 12.0), (24, 8.0))  # calls, seconds of 45
_RETURNS_TO = 1  # the last level is the second one again


@dataclass(frozen=True, slots=True)
class Options(Plain):
    """``seconds`` without repeated levels; with them it takes at most twice as long."""

    seconds: float = DEFAULT_S

    name: ClassVar[str] = "demo"
    seeks_limit: ClassVar[bool] = True

    @classmethod
    def of(cls, request: Request) -> Self:
        if request.stages or request.calls is not None:
            raise UsageError("the demo has its own levels; only its length can be chosen")
        return cls(DEFAULT_S * request.pace if request.duration_s is None else request.duration_s)

    @property
    def peak_calls(self) -> int:
        return max(calls for calls, _ in LEVELS)

    def problems(self) -> list[str]:
        if self.seconds < 20:
            return [f"a demo of {self.seconds:g} s has too few turns to find anything; give 20 s"]
        return []

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        """One level at a time, because whether to repeat it is known only at its end."""
        position = self._position(findings)
        if position == len(LEVELS):
            return None
        calls, _ = LEVELS[position]
        repeat_of = None
        if position == len(LEVELS) - 1:
            repeat_of = self._last_stage_at(findings, LEVELS[_RETURNS_TO][0])
        index = len(findings.stages)
        return (
            level(
                index, PHASE, findings.end_s, self._length_s(position), calls, repeat_of=repeat_of
            ),
        )

    def _position(self, findings: Findings) -> int:
        """Which level comes next, walking over what was handed out as it was decided then."""
        position = 0
        for count, done in enumerate(findings.stages, start=1):
            if not self._again(done, position, findings.stages[:count]):
                position += 1
        return position

    def _again(self, done: StageFinding, position: int, so_far: tuple[StageFinding, ...]) -> bool:
        still_to_come_s = sum(self._length_s(at) for at in range(position, len(LEVELS)))
        return done.generator_limited and so_far[-1].stage.end_s + still_to_come_s <= (
            2 * self.seconds
        )

    def _length_s(self, position: int) -> float:
        return LEVELS[position][1] * self.seconds / DEFAULT_S

    @staticmethod
    def _last_stage_at(findings: Findings, calls: int) -> int:
        return max(f.stage.index for f in findings.stages if f.stage.calls_to == calls)
