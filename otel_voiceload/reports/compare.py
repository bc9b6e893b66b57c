"""A Comparison of two sides of runs, in the shape of its JSON: ``ovl compare -f json``.

Gates decide only where both sides have three runs, or when somebody said that fewer shall do: with
fewer nobody knows how much two runs of the same thing differ. What is not the same on both sides is
said first and does not stop the comparison, since comparing two targets is a use of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, Literal, TypedDict

from otel_voiceload.analysis import compare as analysis
from otel_voiceload.analysis.compare import REPEATS, Change, Kind, Observed, Verdict
from otel_voiceload.errors import ExitCode
from otel_voiceload.reports.compare_explain import explain
from otel_voiceload.reports.compare_read import RunFigures
from otel_voiceload.reports.compare_series import KINDS, figures

DEFAULT_GATES: Final[Mapping[str, float]] = {"turn_latency p95": 1.0, "completion": 0.05}
UNDECIDED: Final = "three repeats per side decide"

Interval = tuple[float | None, float | None]


class ComparedRun(TypedDict):
    id: str
    tag: str
    started: str
    target: str
    profile: str
    validity: str


class ComparedMetric(TypedDict):
    metric: str
    kind: Kind
    base: float | None
    run: float | None
    base_open: Literal["", "at_least", "at_most"]
    run_open: Literal["", "at_least", "at_most"]
    change: float | None  # run / base of seconds and calls, run - base (of 0..1) of rates
    ci: Interval | None  # one-sided 95 % bounds of the change; None is open
    judged: Change
    tolerated: float | None  # by a gate: growth, points lost (of 0..1), share of calls lost
    verdict: Verdict | None  # of the gate
    why: str | None


class ComparedLevel(TypedDict):
    calls: float
    base_p95_s: float
    run_p95_s: float
    base_open: Literal["", "at_least", "at_most"]
    run_open: Literal["", "at_least", "at_most"]
    change: float
    ci: Interval
    judged: Change


class Comparison(TypedDict):
    schema_version: Literal[1]
    base: list[ComparedRun]
    run: list[ComparedRun]
    not_the_same: list[str]
    decides: bool  # whether the gates set the exit code
    verdict: Verdict
    headline: str
    explanation: list[str]
    levels_compared: list[float]  # calls asked for on both sides
    levels_left_out: list[float]
    metrics: list[ComparedMetric]
    levels: list[ComparedLevel]
    next_step: str


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """``tolerated`` by name of the figure; ``single``: decide with fewer than three repeats."""

    tolerated: Mapping[str, float] = field(default_factory=dict)
    single: bool = False


def compare(
    base: Sequence[RunFigures], run: Sequence[RunFigures], options: CompareOptions
) -> Comparison:
    """The whole comparison; every side has at least one run."""
    every = (*base, *run)
    shared = frozenset.intersection(*(each.asked for each in every))
    left_out = frozenset.union(*(each.asked for each in every)) - shared
    repeats = min(len(base), len(run))
    decides = repeats >= REPEATS or options.single
    gates = {**DEFAULT_GATES, **options.tolerated}
    at_base, at_run = (
        [figures(each, shared, whole=bool(shared) and not left_out) for each in side]
        for side in (base, run)
    )
    metrics = []
    for name, kind in KINDS.items():
        sides = [each[name] for each in at_base], [each[name] for each in at_run]
        if name in gates or any(value is not None for side in sides for value in side):
            metrics.append(_metric(name, kind, *sides, repeats, gates.get(name), decides))
    verdicts = [each["verdict"] for each in metrics if each["verdict"] is not None]
    verdict: Verdict = "pass"
    if "fail" in verdicts:
        verdict = "fail"
    elif "unknown" in verdicts:
        verdict = "unknown"
    return {
        "schema_version": 1,
        "base": [_about(each) for each in base],
        "run": [_about(each) for each in run],
        "not_the_same": _not_the_same(base, run),
        "decides": decides,
        "verdict": verdict,
        "headline": _headline(metrics, verdict, shared, decides),
        "explanation": explain(base, run, shared),
        "levels_compared": sorted(shared),
        "levels_left_out": sorted(left_out),
        "metrics": metrics,
        "levels": _levels(base, run, shared, repeats) if len(shared) > 1 else [],
        "next_step": _next_step(every, shared, metrics, verdict, repeats, decides),
    }


def exit_code(made: Comparison, options: CompareOptions) -> ExitCode:
    """99 when a gate failed; 4 when it was to decide and can not; else 0."""
    asked = made["decides"] or bool(options.tolerated)
    unfit = any(each["validity"] == "inconclusive" for each in (*made["base"], *made["run"]))
    if asked and unfit:
        return ExitCode.INCONCLUSIVE
    if made["verdict"] == "fail":
        return ExitCode.FAILED
    return ExitCode.INCONCLUSIVE if asked and made["verdict"] == "unknown" else ExitCode.OK


def _metric(
    name: str,
    kind: Kind,
    base: Sequence[Observed | None],
    run: Sequence[Observed | None],
    repeats: int,
    tolerated: float | None,
    decides: bool,
) -> ComparedMetric:
    found = analysis.between(base, run)
    verdict: Verdict | None = None
    why = None
    if found is None:
        short = [side for side, values in (("BASE", base), ("RUN", run)) if None in values]
        why = f"{' and '.join(short)} can not say: too few calls or turns, or not measured"
    if tolerated is not None:
        verdict = "unknown"
        if found is not None and decides:
            verdict = analysis.judged(found, kind, tolerated)
            why = "the interval spans what is tolerated" if verdict == "unknown" else None
        elif found is not None:
            why = UNDECIDED
    return {
        "metric": name,
        "kind": kind,
        "base": analysis.typical(base),
        "run": analysis.typical(run),
        "base_open": _open(base),
        "run_open": _open(run),
        # Between two open ends lies anything.
        "change": found.change if found and not (_open(base) and _open(run)) else None,
        "ci": _interval(found) if found and not (_open(base) and _open(run)) else None,
        "judged": analysis.changed(found, kind, repeats) if found else "unknown",
        "tolerated": tolerated,
        "verdict": verdict,
        "why": why,
    }


def _open(side: Sequence[Observed | None]) -> Literal["", "at_least", "at_most"]:
    if any(each is not None and each.at_least for each in side):
        return "at_least"
    return "at_most" if any(each is not None and each.at_most for each in side) else ""


def _interval(found: analysis.Difference) -> Interval:
    low, high = (each if isfinite(each) else None for each in (found.low, found.high))
    return low, high


def _levels(
    base: Sequence[RunFigures], run: Sequence[RunFigures], shared: frozenset[float], repeats: int
) -> list[ComparedLevel]:
    told: list[ComparedLevel] = []
    name = "turn_latency p95"
    for calls in sorted(shared):
        at_base, at_run = (
            [figures(each, frozenset([calls]), False, only=[name])[name] for each in side]
            for side in (base, run)
        )
        found = analysis.between(at_base, at_run)
        if found is not None:
            told.append(
                {
                    "calls": calls,
                    "base_p95_s": found.base,
                    "run_p95_s": found.run,
                    "base_open": _open(at_base),
                    "run_open": _open(at_run),
                    "change": found.change,
                    "ci": _interval(found),
                    "judged": analysis.changed(found, "seconds", repeats),
                }
            )
    return told


def _about(each: RunFigures) -> ComparedRun:
    run = each.report["run"]
    return {
        "id": run["id"],
        "tag": run["tag"],
        "started": run["started"],
        "target": run["target"],
        "profile": run["profile"],
        "validity": run["validity"],
    }


def _not_the_same(base: Sequence[RunFigures], run: Sequence[RunFigures]) -> list[str]:
    """What both sides should share and do not, one sentence each."""
    found = []
    said = [[_identity(each) for each in side] for side in (base, run)]
    for what in said[0][0]:
        values = [list(dict.fromkeys(each[what] or "unknown" for each in side)) for side in said]
        if len({*values[0], *values[1]}) > 1:
            found.append(f"{what}: {', '.join(values[0])} against {', '.join(values[1])}")
    for each in (*base, *run):
        state = each.report["run"]["validity"]
        if state != "valid":
            why = "; ".join(each.report["run"]["validity_reasons"]) or "no reason given"
            found.append(f"{each.run_id} is {state}: {why}")
    return found


def _identity(each: RunFigures) -> dict[str, str]:
    run = each.report["run"]
    return {
        "target": run["target"],
        "wire": run["wire"],
        "scenarios": each.scenario_hash,
        "clip pack": each.clip_pack,
        "profile": run["profile"],
    }


def _headline(
    metrics: Sequence[ComparedMetric], verdict: Verdict, shared: frozenset[float], decides: bool
) -> str:
    if not shared:
        return "No level was held on both sides, so nothing can be compared but knees and ceilings"
    if verdict == "fail":
        broken = [each["metric"] for each in metrics if each["verdict"] == "fail"]
        return f"Worse than tolerated: {', '.join(broken)}"
    worse = [each["metric"] for each in metrics if each["judged"] == "worse"]
    held = [each["metric"] for each in metrics if is_tolerated(each)]
    free = [name for name in worse if name not in held]
    better = [each["metric"] for each in metrics if each["judged"] == "better"]
    parts = [f"worse: {', '.join(free)}"] if free else []
    parts += [f"worse, tolerated: {', '.join(held)}"] if held else []
    parts += [f"better: {', '.join(better)}"] if better else []
    said = "; ".join(parts) or "no clear change"
    said = f"{said[0].upper()}{said[1:]}"
    return said if decides else f"{said} (unknown whether by chance: {UNDECIDED})"


def is_tolerated(metric: ComparedMetric) -> bool:
    """Worse, and a gate allows as much."""
    return metric["judged"] == "worse" and metric["verdict"] == "pass"


def _next_step(
    every: Sequence[RunFigures],
    shared: frozenset[float],
    metrics: Sequence[ComparedMetric],
    verdict: Verdict,
    repeats: int,
    decides: bool,
) -> str:
    if not shared:
        return "make the same load again: ovl generate TARGET --again RUN"
    if not decides or (verdict == "unknown" and repeats < REPEATS):
        return (
            "make each side three times (`ovl generate TARGET --again RUN --tag NAME`) and compare"
            " the tags; --single decides with what is there"
        )
    if verdict == "unknown":
        return "the intervals span what is tolerated: make more runs of both sides, or longer ones"
    if verdict == "fail":
        return f"ovl analyze {every[-1].run_id}"
    if any(each["judged"] == "worse" and each["tolerated"] is None for each in metrics):
        return "no gate failed; what is worse has none: --tolerance makes one (docs/compare.md)"
    return "nothing is worse than tolerated"
