"""A plan in the shape of its JSON: what a run shows, what a change brings, what must be granted.

Ratios are 0..1, latencies seconds, None is unknown and never zero. Every row says what its number
rests on: a query of the run, the user's file, or an assumption.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from otel_voiceload.reports.fix_types import Fix

Source = Literal["file", "run", "assumption"]


class PlanRun(TypedDict):
    id: str
    target: str
    validity: str
    headline: str


class PlanInput(TypedDict):
    """One number that the plan was calculated from."""

    name: str
    value: float | str
    unit: str
    source: Source
    where: str  # the query, the file, or what it follows from


class PlanLimit(TypedDict):
    """Where a component is full by the law of operation: servers x cycle / busy."""

    component: str
    calls: float | None  # None: its limit is not known
    ci: tuple[float, float] | None
    basis: Literal["measured", "declared", "set", "unknown"]
    why: str
    at_least: float | None  # what it was seen to carry
    latency_p50_s: float | None
    latency_p95_s: float | None
    busy_s: float | None


class PlanNext(TypedDict):
    component: str
    calls: float
    ci: tuple[float, float] | None
    simulated: bool  # False: by the law alone
    why: str


class PlanOutcome(TypedDict):
    """One simulated ramp. ``first`` has several where they can not be told apart."""

    first: list[PlanNext]
    carries: tuple[float, float] | None
    unknown: list[str]
    peak_p50_s: float | None
    peak_p95_s: float | None
    simulated_calls: int
    scale: float
    notes: list[str]


class PlanWhatIf(TypedDict):
    changes: list[str]
    peak_calls: float | None
    deadline_s: float | None  # no turn takes longer: callers hang up
    before: PlanOutcome
    after: PlanOutcome


class PlanNeed(TypedDict):
    """``grant``: what suffices for nearly all of the time; ``mean`` where there is no peak.

    ``seen`` is what the run had at most where it is not what was declared: the verdict is by it.
    """

    service: str
    what: str
    unit: str
    mean: float
    grant: float
    declared: float | None
    seen: float | None
    verdict: Literal["enough", "tight", "short"] | None
    formula: str
    sources: list[str]
    inputs: list[str]


class PlanCost(TypedDict):
    service: str
    what: str
    amount_per_hour: float
    unit: str
    per_hour: float | None


class PlanBill(TypedDict):
    currency: str
    rows: list[PlanCost]
    per_hour: float
    per_call: float
    per_call_minute: float
    unpriced: list[str]


class Plan(TypedDict):
    schema_version: Literal[1]
    run: PlanRun | None
    headline: str
    undecided: str | None  # why the question can not be answered from this run; exit code 4
    target_calls: int | None
    limits: list[PlanLimit]
    fixes: list[Fix]
    what_if: PlanWhatIf | None
    needs: list[PlanNeed]
    longest_request_tokens: float | None
    cost: PlanBill | None
    inputs: list[PlanInput]
    notes: list[str]
