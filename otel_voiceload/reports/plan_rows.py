"""The parts of a plan in the shape of its JSON."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from otel_voiceload.analysis import costs, demand
from otel_voiceload.analysis.inputs import Inputs
from otel_voiceload.analysis.saturation import Model
from otel_voiceload.reports.plan_types import (
    PlanBill,
    PlanInput,
    PlanLimit,
    PlanNeed,
    PlanNext,
    PlanOutcome,
    PlanWhatIf,
)

if TYPE_CHECKING:
    from otel_voiceload.analysis.whatif import Outcome, WhatIf


def limits(model: Model, *, with_run: bool) -> list[PlanLimit]:
    fulls = model.fulls()
    rows: list[PlanLimit] = []
    for each in fulls:
        work = model.work.get(each.component) if with_run else None
        rows.append(
            {
                "component": each.component,
                "calls": each.calls,
                "ci": each.ci,
                "basis": each.cap.basis,
                "why": each.cap.why,
                "at_least": None,
                "latency_p50_s": None if work is None else work.p50_s,
                "latency_p95_s": None if work is None else work.p95_s,
                "busy_s": None if work is None else work.busy_s,
            }
        )
    for name in model.unknown:
        work = model.work.get(name) if with_run else None
        timed = with_run and work is not None
        rows.append(
            {
                "component": name,
                "calls": None,
                "ci": None,
                "basis": "unknown",
                "why": _unknown(model, timed=timed),
                "at_least": model.carried if timed else None,
                "latency_p50_s": None if work is None else work.p50_s,
                "latency_p95_s": None if work is None else work.p95_s,
                "busy_s": None if work is None else work.busy_s,
            }
        )
    return rows


def _unknown(model: Model, *, timed: bool) -> str:
    if not timed:
        return "not declared"
    return "not seen to bend" if model.carried is not None else "this run does not tell"


def what_if(made: WhatIf) -> PlanWhatIf:
    return {
        "changes": list(made.changes),
        "peak_calls": made.peak_calls,
        "deadline_s": made.deadline_s if isfinite(made.deadline_s) else None,
        "before": _outcome(made.before),
        "after": _outcome(made.after),
    }


def _outcome(made: Outcome) -> PlanOutcome:
    first: list[PlanNext] = [
        {
            "component": each.component,
            "calls": each.calls,
            "ci": each.ci,
            "simulated": each.simulated,
            "why": each.why,
        }
        for each in made.first
    ]
    return {
        "first": first,
        "carries": made.carries,
        "unknown": list(made.unknown),
        "peak_p50_s": None if made.peak is None else made.peak[0],
        "peak_p95_s": None if made.peak is None else made.peak[1],
        "simulated_calls": made.simulated_calls,
        "scale": made.scale,
        "notes": list(made.notes),
    }


def need(need: demand.Need, inputs: Inputs) -> PlanNeed:
    return {
        "service": need.service,
        "what": need.what,
        "unit": need.unit,
        "mean": need.mean,
        "grant": need.wanted,
        "declared": need.declared,
        "seen": need.seen,
        "verdict": need.verdict,
        "formula": need.formula,
        "sources": list(dict.fromkeys(inputs.source(name) for name in need.inputs)),
        "inputs": list(need.inputs),
    }


def bill(made: costs.Bill) -> PlanBill:
    return {
        "currency": made.currency,
        "rows": [
            {
                "service": each.service,
                "what": each.what,
                "amount_per_hour": each.amount,
                "unit": each.unit,
                "per_hour": each.per_hour,
            }
            for each in made.rows
        ],
        "per_hour": made.per_hour,
        "per_call": made.per_call,
        "per_call_minute": made.per_call_minute,
        "unpriced": list(made.unpriced),
    }


def inputs(inputs: Inputs) -> list[PlanInput]:
    return [
        {
            "name": each.name,
            "value": each.value,
            "unit": each.unit,
            "source": each.source,
            "where": each.where,
        }
        for each in inputs.items.values()
    ]
