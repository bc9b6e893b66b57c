"""One Plan: from a run and what the user declares, or from assumptions alone.

What the run can not tell is unknown or an assumption, and each is called by that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_voiceload.analysis import costs, demand
from otel_voiceload.analysis.changes import Change, refuse_unknown
from otel_voiceload.analysis.fixes import Fix, in_order
from otel_voiceload.analysis.inputs import Inputs, settle
from otel_voiceload.analysis.saturation import SERVED, Model, Work, declared_caps
from otel_voiceload.capacity.plan_file import PlanFile
from otel_voiceload.errors import ExitCode, UsageError
from otel_voiceload.reports import build_findings
from otel_voiceload.reports import plan_rows as rows
from otel_voiceload.reports.build import Examined
from otel_voiceload.reports.plan_model import mean_turn_s, read_model, seen_at_most
from otel_voiceload.reports.plan_types import Plan, PlanRun
from otel_voiceload.reports.plan_words import headline, nothing_known, undecided_by
from otel_voiceload.store.reading import Reading

if TYPE_CHECKING:
    from otel_voiceload.analysis.whatif import WhatIf
    from otel_voiceload.capacity.prices import Prices

MOST_CALLS = 10_000_000


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """``file`` is the name of the plan file, as it is shown."""

    changes: tuple[Change, ...] = ()
    target_calls: int | None = None
    expected_peak: float | None = None
    written: PlanFile = field(default_factory=PlanFile)
    file: str = ""
    prices: Prices | None = None

    def problems(self) -> list[str]:
        found = []
        if self.target_calls is not None and not 1 <= self.target_calls <= MOST_CALLS:
            found.append(f"--target-calls {self.target_calls}: give 1 to {MOST_CALLS:,}")
        if self.expected_peak is not None and not 0 < self.expected_peak <= MOST_CALLS:
            found.append(f"--expected-peak {self.expected_peak:g}: give 1 to {MOST_CALLS:,}")
        if self.prices is not None and self.target_calls is None:
            found.append("--cost needs --target-calls: say how many calls are to be paid for")
        return found


def plan_of_run(reading: Reading, run_id: str, examined: Examined, options: PlanOptions) -> Plan:
    """The plan of one run."""
    report, found, evidence = examined.report, examined.found, examined.evidence
    made = read_model(reading, run_id, found, evidence, options.written, options.file)
    refuse_unknown(made.model, options.changes)
    peak = options.expected_peak or options.target_calls
    now_s = None if peak is None else mean_turn_s(evidence, peak)
    undecided = None
    if options.changes or options.target_calls is None:
        undecided = undecided_by(report, made.model, options.changes)
    played = None
    if undecided is None and options.changes:
        # The simulator and its configuration, for which no plan without --set should wait.
        from otel_voiceload.analysis.whatif import what_if

        played = what_if(made.model, made.calls, options.changes, options.expected_peak)
        if played is None:
            undecided = nothing_known(report)
    fixes = in_order(found.components, made.model, peak, now_s)
    run: PlanRun = {
        "id": run_id,
        "target": report["run"]["target"],
        "validity": report["run"]["validity"],
        "headline": report["headline"],
    }
    return _plan(options, made.inputs, made.model, run, fixes, played, undecided)


def plan_without_run(options: PlanOptions, *, only_inputs: bool = False) -> Plan:
    """From the plan file and assumptions alone; ``only_inputs`` is for those who print them.

    Raises UsageError where a run is needed.
    """
    if options.changes:
        raise UsageError("--set changes what a run measured; name a RUN")
    if options.target_calls is None and not only_inputs:
        raise UsageError("without a run there is only --target-calls N to plan for; give it")
    inputs = settle(options.written.assumptions, options.file, {})
    work = {}
    for name in SERVED:
        busy_s = inputs.number(f"{name}.busy") * inputs.number(f"{name}.requests_per_turn")
        assumed = inputs.source(f"{name}.busy") == "assumption"
        work[name] = Work(busy_s, busy_s, busy_s, busy_s, assumed=assumed)
    model = Model(
        cycle_s=inputs.number("call.turn_cycle"),
        cycle_error=None if inputs.source("call.turn_cycle") == "assumption" else 0.0,
        unloaded_s=0.0,
        work=work,
        caps=declared_caps(options.written.limits, inputs, options.file),
    )
    return _plan(options, inputs, model, None, (), None, None)


def exit_code(plan: Plan) -> ExitCode:
    return ExitCode.OK if plan["undecided"] is None else ExitCode.INCONCLUSIVE


def _plan(
    options: PlanOptions,
    inputs: Inputs,
    model: Model,
    run: PlanRun | None,
    fixes: Sequence[Fix],
    played: WhatIf | None,
    undecided: str | None,
) -> Plan:
    calls = options.target_calls
    limits = options.written.limits
    at_once = {service: value for (service, key), value in limits.items() if key == "concurrent"}
    declared = demand.Declared(limits, seen_at_most(model, at_once))
    wanted = () if calls is None else demand.needs(calls, inputs, declared)
    paid = None
    if calls is not None and options.prices is not None:
        paid = rows.bill(costs.bill(calls, inputs, wanted, options.prices))
    plan: Plan = {
        "schema_version": 1,
        "run": run,
        "headline": "",
        "undecided": undecided,
        "target_calls": calls,
        "limits": rows.limits(model, with_run=run is not None),
        "fixes": build_findings.fixes(fixes),
        "what_if": None if played is None else rows.what_if(played),
        "needs": [rows.need(each, inputs) for each in wanted],
        "longest_request_tokens": demand.call_tokens(inputs).longest_request if calls else None,
        "cost": paid,
        "inputs": rows.inputs(inputs),
        "notes": list(model.notes),
    }
    plan["headline"] = headline(plan)
    return plan
