"""Everything that ``ovl check`` looks at, in one order: machine, target, method.

The clock is read first and judged last, so that a step of it during the rest is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.errors import UsageError
from otel_voiceload.load.clock import Steps
from otel_voiceload.reports.readiness import Readiness
from otel_voiceload.runner.check_machine import (
    Machine,
    clock_check,
    machine_checks,
    pacing_check,
)
from otel_voiceload.runner.check_method import (
    NOT_ANSWERED,
    Answers,
    Offered,
    find_baseline,
    method_checks,
)
from otel_voiceload.runner.check_target import Call, smoke_call, target_checks
from otel_voiceload.runner.dry_run import forecast
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import outline
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.stop import terminable
from otel_voiceload.transports import split_target

__all__ = ["Answers", "Asked", "check"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What beside the plan was said: ``limits`` is the file of the providers' quotas."""

    answers: Answers = NOT_ANSWERED
    limits: Path | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """How it is looked at; tests look elsewhere."""

    machine: Machine = field(default_factory=Machine)
    call: Call = smoke_call
    steps: Callable[[], Steps] = Steps


def check(plan: RunPlan, asked: Asked, screen: Screen, means: Means | None = None) -> Readiness:
    """Look at everything that can be known before a load; no load is sent.

    Raises:
        UsageError: what was asked for can not be, or the target is a file.
        Interrupted: somebody ended it.
    """
    if plan.simulated is not None:
        raise UsageError(f"{plan.target} is simulated and needs no check; start it: ovl generate")
    means = means or Means()
    steps = means.steps()
    expected, load = forecast(plan), outline(plan)
    wire = split_target(plan.target).transport
    screen.say("testing the pacing of this machine")
    pacing = pacing_check(wire, -(-expected.peak_calls // expected.workers), means.machine)
    with terminable():
        target = target_checks(plan, expected.peak_calls, screen, means.call)
    offered = Offered.of(plan.target, wire, load, ClipPack.load(load.encoding).pack_id)
    method = method_checks(
        asked.answers,
        load,
        plan.thresholds,
        asked.limits,
        lambda: find_baseline(plan.store, offered),
    )
    own = machine_checks(expected, plan.store, means.machine)
    clock = clock_check(steps, means.machine.discipline(), asked.answers.clock)
    return Readiness(
        target=plan.target,
        profile=expected.profile,
        peak_calls=expected.peak_calls,
        checks=(*own, clock, pacing, *target, *method),
        strict=asked.strict,
    )
