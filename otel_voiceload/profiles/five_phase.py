"""Baseline, ramp, spike, soak, scale: the whole method in one run.

Each phase is fed by what was found before it. The baseline holds ten calls, so the ramp has fewer
small steps of its own; the ramp's ceiling gives the steady level of the spikes and the level of the
soak; the scale goes to the number of calls that was asked for, whatever broke on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import (
    Ceiling,
    Findings,
    Profile,
    Request,
    StopReason,
    baseline,
    ramp,
    scale,
    soak,
    spike,
)
from otel_voiceload.profiles.levels import countable_hold_s
from otel_voiceload.profiles.sequence import Part, Sequence, ceiling_of

DEFAULT_CALLS = 100
SMALL_STEPS = (5, 10)
LEAST_TURNS = 20  # counted, at every level


@dataclass(frozen=True, slots=True)
class Options:
    """``calls`` is the top of ramp, spikes and scale."""

    calls: int
    request: Request

    name: ClassVar[str] = "five-phase"
    seeks_limit: ClassVar[bool] = True

    @classmethod
    def of(cls, request: Request) -> Self:
        """A duration is that of the soak."""
        if request.stages:
            raise UsageError("the five phases have their own stages; leave out --stage")
        calls = DEFAULT_CALLS if request.calls is None else request.calls
        return cls(calls, request)

    @property
    def peak_calls(self) -> int:
        return self.calls

    def problems(self) -> list[str]:
        if self.calls < 1:
            return [f"five phases up to {self.calls} calls are none; give --calls 1 or more"]
        return []

    def needs_measure(self, findings: Findings) -> bool:
        return self._sequence.needs_measure(findings)

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        return self._sequence.next_stages(findings)

    def stop_reason(self, findings: Findings) -> StopReason:
        return "target_reached"

    @property
    def _sequence(self) -> Sequence:
        return Sequence(
            (
                Part(baseline.PHASE, self._baseline),
                Part(ramp.PHASE, self._ramp, climbs=True),
                Part(spike.PHASE, self._spike, relative=True),
                Part(soak.PHASE, self._soak, relative=True),
                Part(scale.PHASE, self._scale),
            )
        )

    def _baseline(self, _: Findings) -> Profile:
        calls = min(baseline.MAX_CALLS, self.calls)
        made = baseline.Options.of(replace(self._plain, calls=calls, until_knee=False))
        # The ramp's steps give the slopes of resources as well. A piece that follows is a level of
        # its own where the generator was the limit of the one before it.
        least_s = countable_hold_s(calls, LEAST_TURNS, self.request.turn_cycle_s)
        hold_s, piece_s = max(made.hold_s, least_s), max(made.piece_s, least_s)
        return replace(made, hold_s=hold_s, piece_s=piece_s, small_levels=())

    def _ramp(self, _: Findings) -> Profile:
        made = ramp.Options.of(replace(self._plain, calls=self.calls))
        return replace(
            made,
            small_steps=SMALL_STEPS,
            held_before=min(baseline.MAX_CALLS, self.calls),
            least_turns=LEAST_TURNS,
        )

    def _spike(self, findings: Findings) -> Profile:
        """Twice the ceiling at the most, and no more than was asked for."""
        most = max(1, self.calls // spike.FACTORS[-1])
        steady, note = self._ceiling(findings).share(spike.STEADY_SHARE, most, most)
        made = spike.Options.of(replace(self._plain, calls=steady, until_knee=False))
        made = replace(made, most=self.calls, note=note)
        return made.with_least(LEAST_TURNS, self.request.turn_cycle_s)

    def _soak(self, findings: Findings) -> Profile:
        known_to_work = min(baseline.MAX_CALLS, self.calls)
        calls, note = self._ceiling(findings).share(soak.SHARE, known_to_work, self.calls)
        made = soak.Options.of(replace(self.request, calls=calls, until_knee=False))
        return replace(made, least_turns=LEAST_TURNS, note=note)

    def _scale(self, _: Findings) -> Profile:
        made = scale.Options.of(replace(self._plain, calls=self.calls, until_knee=False))
        return replace(made, least_turns=LEAST_TURNS)

    @property
    def _plain(self) -> Request:
        """What all phases share; the soak alone takes the duration."""
        return replace(self.request, duration_s=None)

    def _ceiling(self, findings: Findings) -> Ceiling:
        return ceiling_of(findings, self.request.ceiling)
