"""The load that the user spells out: calls and a duration, a rate, or stages one after the other.

``10m:200`` goes to 200 calls over ten minutes from wherever the stage before ended, as k6 reads it;
``hold:10m:200`` jumps there and stays. ``5x`` is five times ``--calls``, ``80%`` a share of the
measured ceiling. ``10m:5/s`` and ``hold:10m:5/s`` are calls that begin per second, however many are
then held; one run is either the one or the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from otel_voiceload.capacity.durations import duration_s
from otel_voiceload.errors import CeilingUnknown, UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Plain, Request, StopReason
from otel_voiceload.profiles.levels import level, paced_hold_s
from otel_voiceload.profiles.units import Load, parse_load

DEFAULT_CALLS = 10
DEFAULT_DURATION_S = 60.0
UNTIL_ALL_S = 3600.0  # without a duration, for --total-calls to be over
NOT_MEASURED = 10  # calls, in place of a share of a ceiling that this run could not tell
PHASE = "custom"


@dataclass(frozen=True, slots=True)
class Options(Plain):
    """``stages`` as they will be offered. ``most_held`` is what the open model may come to hold."""

    stages: tuple[Stage, ...]
    most_held: int = 0

    name: ClassVar[str] = "custom"
    seeks_limit: ClassVar[bool] = False

    @classmethod
    def of(cls, request: Request) -> Self:
        if request.rate_per_s is not None:
            return cls((_arriving(request, request.rate_per_s),), request.max_calls)
        if not request.stages:
            calls = DEFAULT_CALLS if request.calls is None else request.calls
            return cls((level(0, PHASE, 0.0, _lasts_s(request), calls),))
        loads = [parse_stage(text) for text in request.stages]
        relative = any(load.of == "steady" for _, _, load in loads)
        if request.duration_s is not None or (request.calls is not None and not relative):
            raise UsageError(
                "--stage already says how many calls; leave out --calls and --duration"
            )
        if len({load.of == "per_s" for _, _, load in loads}) > 1:
            raise UsageError("stages ask for calls held or for calls per second, not for both")
        stages: list[Stage] = []
        for held, lasts_s, load in loads:
            stages.append(_stage(held, lasts_s, load, stages[-1] if stages else None, request))
        return cls(tuple(stages), request.max_calls if stages[0].arrivals else 0)

    @property
    def peak_calls(self) -> int:
        asked = max(math.ceil(max(s.calls_from, s.calls_to)) for s in self.stages)
        return max(asked, self.most_held)

    def problems(self) -> list[str]:
        found = [
            f"stage {s.index + 1} lasts no time; give it a duration as in 10m:200"
            for s in self.stages
            if s.duration_s <= 0
        ]
        if max(max(s.calls_from, s.calls_to, s.per_s_from, s.per_s_to) for s in self.stages) <= 0:
            found.append("no stage asks for a call; write at least one as in 1m:10")
        return found

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        return None if findings.stages else self.stages

    def stop_reason(self, findings: Findings) -> StopReason:
        return "duration"


def _lasts_s(request: Request) -> float:
    if request.duration_s is None and request.total_calls is not None:
        return UNTIL_ALL_S
    hold_s = DEFAULT_DURATION_S if request.duration_s is None else request.duration_s
    return paced_hold_s(hold_s, request.pace, request.turn_cycle_s)


def _arriving(request: Request, rate_per_s: float) -> Stage:
    if request.stages or request.calls is not None:
        raise UsageError(
            "--rate says how many calls begin; leave out --calls and --stage, and cap the calls"
            " held with --max-calls"
        )
    return Stage(
        index=0,
        phase=PHASE,
        start_s=0.0,
        duration_s=_lasts_s(request),
        calls_from=0.0,
        calls_to=0.0,
        arrivals=request.arrivals,
        per_s_from=rate_per_s,
        per_s_to=rate_per_s,
    )


def parse_stage(text: str) -> tuple[bool, float, Load]:
    """Whether it is held, for how many seconds, and the load.

    Raises:
        UsageError: the text is no stage.
    """
    parts = text.split(":")
    held = parts[0] == "hold"
    if len(parts) != 2 + held:
        raise UsageError(
            f"stage {text!r} is not DURATION:CALLS or hold:DURATION:CALLS (or :RATE/s)"
        )
    try:
        return held, duration_s(parts[held]), parse_load(parts[1 + held])
    except UsageError as error:
        raise UsageError(f"stage {text!r}: {error}") from None


def _stage(held: bool, lasts_s: float, load: Load, before: Stage | None, request: Request) -> Stage:
    stage = Stage(0, PHASE, 0.0, lasts_s, 0.0, 0.0)
    if before is not None:
        stage = replace(stage, index=before.index + 1, start_s=before.end_s)
    if load.of == "per_s":
        was = load.value if held else before.per_s_to if before is not None else 0.0
        flat = was == load.value
        stage = replace(stage, arrivals=request.arrivals, per_s_from=was, per_s_to=load.value)
    else:
        calls, note = _calls(load, request)
        was = calls if held else before.calls_to if before is not None else 0.0
        flat = was == calls
        stage = replace(stage, calls_from=was, calls_to=calls, note=note)
    if flat:
        return replace(stage, duration_s=paced_hold_s(lasts_s, request.pace, request.turn_cycle_s))
    return replace(stage, duration_s=lasts_s * request.pace)


def _calls(load: Load, request: Request) -> tuple[float, str]:
    """Calls held, and where the number is from when it is relative."""
    if load.of == "ceiling":
        if request.ceiling is None:
            raise CeilingUnknown(
                f"a load of {load} needs a measured ceiling, and none is known here; "
                "write the number of calls, or measure it first with -p ramp"
            )
        calls, note = request.ceiling.share(load.value, NOT_MEASURED, request.max_calls)
        return float(calls), note
    if load.of == "steady":
        if request.calls is None:
            raise UsageError(f"a stage of {load} is {load.value:g} times --calls; give --calls")
        calls_held = load.calls(steady=request.calls)
        return calls_held, f"{load} of {request.calls} calls"
    return load.calls(), ""
