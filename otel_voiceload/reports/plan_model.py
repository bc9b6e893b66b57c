"""A run as a plan needs it: what a call is like, what each component takes, and where it is full.

Only levels well below the first limit tell what work is; above it waiting would be taken for work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final, Protocol

import numpy as np

from otel_voiceload.analysis.bend import Bend
from otel_voiceload.analysis.inflection import Candidate, Inflections
from otel_voiceload.analysis.inputs import Inputs, Measured, settle
from otel_voiceload.analysis.levels import Evidence, Level
from otel_voiceload.analysis.onset import OCTAVE
from otel_voiceload.analysis.saturation import SERVED, Cap, Model, Work, declared_caps
from otel_voiceload.capacity.measures import FittedCalls
from otel_voiceload.capacity.plan_file import PlanFile, Wire

LEAST_CALLS: Final = 5  # fewer finished calls do not tell how long a call is
LEAST_TURNS: Final = 20
_MIN_CYCLES: Final = 5
_BUSY_CORE: Final = 0.7  # of a core: frames leave late long before it is full
_NEAR: Final = 0.15
_PATIENCE_S: Final = 10.0  # where the run does not tell
_LISTEN_TO: Final = 50_000  # turns give means to less than a percent
_NOBODYS: Final = ("unattributed", "turn")  # time, and nobody's work
_WIRES: Final[Mapping[str, Wire]] = {"plain": "plain", "twilio": "twilio"}

Row = Mapping[str, object]


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


@dataclass(frozen=True, slots=True)
class RunModel:
    inputs: Inputs
    model: Model
    calls: FittedCalls


def read_model(
    reading: Answers,
    run_id: str,
    found: Inflections,
    evidence: Evidence,
    written: PlanFile,
    file: str,
) -> RunModel:
    """Inputs and limits of a run, with what the plan file adds or corrects."""
    below = _below(found, evidence)
    rows = reading.query("component_work", run_id=run_id, knee_calls=below)
    work_rows = {str(row["component"]): row for row in rows}
    turns = sum(evidence.cycles[level].counts.sum() for level in _quiet(evidence, below))
    share = None if turns <= _LISTEN_TO else _LISTEN_TO / float(turns)
    shape = reading.query("call_shape", run_id=run_id, knee_calls=below, share=share)[0]
    facts = reading.query("run_facts", run_id=run_id)[0]
    costs = reading.query("marginal_cost", run_id=run_id)
    measured = {
        **_of_calls(shape, evidence, below),
        **_of_components(work_rows),
        **_of_machine(facts, costs),
    }
    inputs = settle(written.assumptions, file, measured, run_id)
    unloaded_s = _number(shape, "latency_s") or _first_turn_s(evidence)
    patience_s = _number(shape, "deadline_s") or _PATIENCE_S
    model = Model(
        cycle_s=inputs.number("call.turn_cycle"),
        cycle_error=_cycle_error(inputs),
        unloaded_s=unloaded_s,
        work=_work(work_rows, inputs),
        caps={},
        carried=_carried(found, evidence, inputs),
        patience_s=patience_s,
    )
    return RunModel(
        inputs,
        _with_caps(model, found, declared_caps(written.limits, inputs, file)),
        FittedCalls(
            cycle_s=model.cycle_s,
            unloaded_s=unloaded_s,
            speech_s=inputs.number("call.speech"),
            reply_s=inputs.number("call.reply"),
            turns=inputs.number("call.turns"),
            patience_s=patience_s,
        ),
    )


def mean_turn_s(evidence: Evidence, calls: float) -> float | None:
    """The mean turn latency that was measured at about so many calls."""
    near = [
        (abs(level.calls - calls), point.mean_s)
        for level, point in evidence.series("turn")
        if abs(level.calls - calls) <= _NEAR * calls
    ]
    return min(near)[1] if near else None


def _below(found: Inflections, evidence: Evidence) -> float | None:
    """The calls up to which nothing waits: half of the onset, but never only the lowest level."""
    candidates = (*found.components.candidates, *found.turn.candidates)
    levels = [level.calls for level in evidence.rising]
    if not candidates or not levels:
        return None
    onset = min(each.onset_calls for each in candidates)
    return max(0.5 * onset, OCTAVE * min(levels))


def _quiet(evidence: Evidence, below: float | None) -> list[Level]:
    return [each for each in evidence.rising if below is None or each.calls < below]


def _of_calls(shape: Row, evidence: Evidence, below: float | None) -> dict[str, Measured]:
    measured: dict[str, Measured] = {}
    cycles = [evidence.cycles[level] for level in _quiet(evidence, below)]
    counts = np.concatenate([each.counts for each in cycles]) if cycles else np.zeros(0)
    sums = np.concatenate([each.sums_s for each in cycles]) if cycles else np.zeros(0)
    if counts.sum() >= _MIN_CYCLES:
        mean = float(sums.sum() / counts.sum())
        error = sqrt(float(((sums - mean * counts) ** 2).sum())) / float(counts.sum())
        measured["call.turn_cycle"] = Measured(mean, "turn_cycles", error)
    if (_number(shape, "calls") or 0) >= LEAST_CALLS:
        for name, column in (("call.turns", "turns_per_call"), ("call.length", "length_s")):
            if (value := _number(shape, column)) is not None:
                measured[name] = Measured(value, "call_shape")
    if (_number(shape, "turns") or 0) >= LEAST_TURNS:
        for name, column in (("call.speech", "speech_s"), ("call.reply", "reply_s")):
            if (value := _number(shape, column)) is not None:
                measured[name] = Measured(value, "call_shape")
    return measured


def _of_components(rows: Mapping[str, Row]) -> dict[str, Measured]:
    """How long one request holds its server, and how many a turn makes."""
    measured: dict[str, Measured] = {}
    for name in SERVED:
        row = rows.get(name)
        if row is None or (_number(row, "turns") or 0) < LEAST_TURNS:
            continue
        asks = max(1.0, _number(row, "attempts_per_turn") or 1.0)
        measured[f"{name}.requests_per_turn"] = Measured(asks, "component_work")
        busy_s = _number(row, "busy_mean_s")
        if busy_s and (_number(row, "busy_turns") or 0) >= LEAST_TURNS:
            error_s = _number(row, "busy_error_s")
            error = None if error_s is None else error_s / asks
            measured[f"{name}.busy"] = Measured(busy_s / asks, "component_work", error)
    return measured


def _of_machine(facts: Row, costs: Sequence[Row]) -> dict[str, Measured]:
    measured: dict[str, Measured] = {}
    if (wire := _WIRES.get(str(facts["wire"]))) is not None:
        measured["wire"] = Measured(wire, "run_facts")
    if cores := _number(facts, "machine_cores"):
        measured["generator.cores_per_machine"] = Measured(cores, "run_facts")
    per_call = sum(
        max(0.0, _number(row, "cpu_per_call") or 0.0)
        for row in costs
        if row["role"] == "generator" and row["source"] == "sampled"
    )
    if per_call > 0:
        density = Measured(_BUSY_CORE / per_call, "marginal_cost")
        measured["generator.calls_per_core"] = density
    return measured


def _work(rows: Mapping[str, Row], inputs: Inputs) -> dict[str, Work]:
    found: dict[str, Work] = {}
    for name, row in rows.items():
        latency_s = _number(row, "latency_mean_s")
        if not latency_s or name in _NOBODYS:
            continue
        made = Work(
            latency_s=latency_s,
            p50_s=_number(row, "latency_p50_s") or latency_s,
            p95_s=_number(row, "latency_p95_s") or latency_s,
            busy_s=latency_s,
            assumed=True,
        )
        busy = f"{name}.busy"
        if name in SERVED:
            made = replace(
                made,
                busy_s=inputs.number(busy) * inputs.number(f"{name}.requests_per_turn"),
                busy_error=inputs.relative_error(busy) or 0.0,
                assumed=inputs.source(busy) not in ("run", "file"),
            )
        elif busy_s := _number(row, "busy_mean_s"):  # no plan file tells of it: the run or nobody
            error_s = _number(row, "busy_error_s") or 0.0
            made = replace(made, busy_s=busy_s, busy_error=error_s / busy_s, assumed=False)
        found[name] = made
    return found


def _cycle_error(inputs: Inputs) -> float | None:
    if inputs.source("call.turn_cycle") == "assumption":
        return None
    return inputs.relative_error("call.turn_cycle") or 0.0  # what the user wrote is taken as it is


def _carried(found: Inflections, evidence: Evidence, inputs: Inputs) -> float | None:
    """The most calls of which all turns were served; what was lost to waiting does not count.

    None where no level is known to be without waits: the turn cycle is then not that of such calls.
    """
    if found.components.status not in ("found", "ambiguous", "not_reached"):
        return None
    cycle_s = inputs.number("call.turn_cycle")
    carried = [
        min(level.calls, max(0.0, point.rate - _rate_error(level, point.rate)) * cycle_s)
        for level, point in evidence.series("turn")
    ]
    return max(carried, default=None)


def _rate_error(level: Level, rate: float) -> float:
    return sqrt(max(1.0, rate * level.total_s)) / level.total_s


def _first_turn_s(evidence: Evidence) -> float:
    series = evidence.series("turn")
    return series[0][1].mean_s if series else 0.0


def _with_caps(model: Model, found: Inflections, declared: Mapping[str, tuple[Cap, ...]]) -> Model:
    """Measured limits before declared ones of the same kind, and a word where they differ."""
    caps = dict(declared)
    notes: list[str] = []
    sure: list[float] = []
    finding = found.components
    if finding.status in ("found", "ambiguous"):
        for candidate in finding.candidates:
            bend = found.bends.get(candidate.component)
            made = None if bend is None else _measured_cap(candidate, bend, model)
            if made is None:
                continue
            name = candidate.component
            others = tuple(cap for cap in caps.get(name, ()) if cap.kind != made.kind)
            notes += _differs(name, made, caps.get(name, ()), model)
            caps[name] = (made, *others)
            sure.append(candidate.ci[0] if candidate.ci else 0.0)
    if finding.status == "ambiguous":
        names = " and ".join(each.component for each in finding.candidates)
        notes.append(f"{names} bent together: each of them counts as full there, perhaps wrongly")
    carried = model.carried
    if carried is not None and sure:
        # What a full one served went through the others as well: so many they carry for certain.
        carried = max(carried, min(sure))
    return replace(model, caps=caps, notes=tuple(notes), carried=carried)


def seen_at_most(model: Model, declared: Mapping[str, float]) -> dict[str, float]:
    """Requests at work that the run had at most, of services that declare clearly other ones."""
    return {
        name: cap.value
        for name, value in declared.items()
        for cap in model.caps.get(name, ())
        if (cap.kind, cap.basis) == ("servers", "measured") and _is_other(value, cap.value)
    }


def _is_other(declared: float, seen: float) -> bool:
    return abs(declared / seen - 1) > _NEAR


def _measured_cap(candidate: Candidate, bend: Bend, model: Model) -> Cap | None:
    knee = bend.knee
    if knee is None or candidate.calls is None or candidate.ci is None or knee.calls <= 0:
        return None
    span = candidate.ci[0] / knee.calls, candidate.ci[1] / knee.calls
    why = f"measured: {knee.rate:.3g} turns/s at most (ovl query level_throughput)"
    rate = knee.calls / model.cycle_s  # by the cycle of this plan, so that N* stays what was found
    work = model.work.get(candidate.component)
    if work is None:
        return Cap("turns_per_s", rate, "measured", why, span)
    return Cap("servers", rate * work.busy_s, "measured", why, span)


def _differs(name: str, made: Cap, others: Sequence[Cap], model: Model) -> list[str]:
    work = model.work.get(name)
    if made.kind != "servers" or work is None:
        return []
    return [
        f"{name}: {cap.why}, and the run had {made.value:.3g} at work at most: the run counts"
        for cap in others
        if cap.kind == "servers" and _is_other(cap.value, made.value)
    ]


def _number(row: Row, name: str) -> float | None:
    value = row[name]
    return float(value) if isinstance(value, int | float) else None
