"""The load that the user spells out: calls and a duration, or stages one after the other.

``10m:200`` goes to 200 calls over ten minutes from wherever the stage before ended, as k6 reads it;
``hold:10m:200`` jumps there and stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Request
from otel_voiceload.profiles.levels import level, paced_hold_s
from otel_voiceload.profiles.units import duration_s, parse_load

DEFAULT_CALLS = 10
DEFAULT_DURATION_S = 60.0
PHASE = "custom"


@dataclass(frozen=True, slots=True)
class Options:
    """``stages`` as they will be offered."""

    stages: tuple[Stage, ...]

    name: ClassVar[str] = "custom"
    seeks_limit: ClassVar[bool] = False

    @classmethod
    def of(cls, request: Request) -> Self:
        if not request.stages:
            calls = DEFAULT_CALLS if request.calls is None else request.calls
            hold_s = DEFAULT_DURATION_S if request.duration_s is None else request.duration_s
            paced_s = paced_hold_s(hold_s, request.pace, request.turn_cycle_s)
            return cls((level(0, PHASE, 0.0, paced_s, calls),))
        if request.calls is not None or request.duration_s is not None:
            raise UsageError(
                "--stage already says how many calls; leave out --calls and --duration"
            )
        stages: list[Stage] = []
        for text in request.stages:
            stages.append(_stage(text, stages[-1] if stages else None, request))
        return cls(tuple(stages))

    @property
    def peak_calls(self) -> int:
        return max(math.ceil(max(s.calls_from, s.calls_to)) for s in self.stages)

    def problems(self) -> list[str]:
        found = [
            f"stage {s.index + 1} lasts no time; give it a duration as in 10m:200"
            for s in self.stages
            if s.duration_s <= 0
        ]
        if self.peak_calls < 1:
            found.append("no stage asks for a call; write at least one as in 1m:10")
        return found

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        return None if findings.stages else self.stages


def _stage(text: str, before: Stage | None, request: Request) -> Stage:
    parts = text.split(":")
    held = parts[0] == "hold"
    if len(parts) != 2 + held:
        raise UsageError(f"--stage {text!r} is not DURATION:CALLS or hold:DURATION:CALLS")
    lasts_s = duration_s(parts[held])
    calls = parse_load(parts[1 + held]).calls()
    index, start_s, calls_from = 0, 0.0, 0.0
    if before is not None:
        index, start_s, calls_from = before.index + 1, before.end_s, before.calls_to
    if held or calls == calls_from:
        lasts_s = paced_hold_s(lasts_s, request.pace, request.turn_cycle_s)
    else:
        lasts_s *= request.pace
    return Stage(index, PHASE, start_s, lasts_s, calls if held else calls_from, calls)
