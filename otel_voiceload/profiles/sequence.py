"""Profiles one after the other in one run, each seeing only its own stages and all that was found.

A part is made when its turn comes, from what the run has found by then: so a ramp's ceiling feeds
the levels of what follows. Stages are told apart by their phase, which is why no name comes twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from otel_voiceload.model import Stage
from otel_voiceload.profiles import Ceiling, Findings, Profile, StopReason


@dataclass(frozen=True, slots=True)
class Part:
    """``make`` is given the findings of the whole run and has to answer alike until the part ends.

    ``climbs``: what it finds is worth measuring. ``relative``: its load is a share of it.
    """

    phase: str
    make: Callable[[Findings], Profile]
    climbs: bool = False
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Part, ...]

    def needs_measure(self, findings: Findings) -> bool:
        at = self._current(findings)
        own = _own(findings, self.parts[at].phase)
        if own.stages:
            profile = self.parts[at].make(findings)
            if profile.needs_measure(own):
                return True
            if profile.next_stages(own) or at + 1 == len(self.parts):
                return False
            at += 1
        return self.parts[at].relative and not self._covered(findings)

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        for part in self.parts[self._current(findings) :]:
            own = _own(findings, part.phase)
            more = part.make(findings).next_stages(own)
            if more:
                before = len(findings.stages) - len(own.stages)
                start_s = findings.end_s - own.end_s
                return tuple(_moved(stage, part.phase, before, start_s) for stage in more)
        return None

    def stop_reason(self, findings: Findings) -> StopReason:
        """Of the last part that climbed, else of the last one."""
        climbing = [part for part in self.parts if part.climbs]
        part = (climbing or list(self.parts))[-1]
        return part.make(findings).stop_reason(_own(findings, part.phase))

    def _current(self, findings: Findings) -> int:
        if not findings.stages:
            return 0
        phase = findings.stages[-1].stage.phase
        return next(i for i, part in enumerate(self.parts) if part.phase == phase)

    def _covered(self, findings: Findings) -> bool:
        """Whether the last measurement knows of every stage that climbed; there may be none."""
        climbing = {part.phase for part in self.parts if part.climbs}
        known = 0 if findings.measured is None else findings.measured.stages
        return not any(each.stage.phase in climbing for each in findings.stages[known:])


def ceiling_of(findings: Findings, earlier: Ceiling | None) -> Ceiling:
    """What this run measured, else what an earlier one did, else why neither is known."""
    measured = findings.measured
    why = "nothing was measured in this run"
    if measured is not None:
        if measured.ceiling is not None and measured.ceiling >= 1:
            return Ceiling(measured.ceiling, measured.why or "measured in this run")
        why = measured.why or "the levels of this run do not tell"
    if earlier is not None and earlier.calls is not None:
        return earlier
    return Ceiling(None, why)


def _own(findings: Findings, phase: str) -> Findings:
    """The findings as the part's profile should see them: as if it had the run to itself."""
    stages = [each for each in findings.stages if each.stage.phase == phase]
    if not stages:
        return Findings(measured=None)
    first = stages[0]
    index, start_s = first.stage.index, first.stage.start_s
    measured = findings.measured
    if measured is not None:
        measured = replace(measured, stages=measured.stages - index)
    return Findings(
        stages=tuple(
            replace(each, stage=_moved(each.stage, phase, -index, -start_s)) for each in stages
        ),
        natural_ends=findings.natural_ends - first.ends_before,
        scenario_ends=findings.scenario_ends,
        measured=measured if measured is not None and measured.stages > 0 else None,
    )


def _moved(stage: Stage, phase: str, by: int, by_s: float) -> Stage:
    return replace(
        stage,
        index=stage.index + by,
        phase=phase,
        start_s=stage.start_s + by_s,
        repeat_of=None if stage.repeat_of is None else stage.repeat_of + by,
    )
