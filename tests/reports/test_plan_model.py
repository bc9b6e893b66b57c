"""What is read off a run: by rows made by hand, and by evidence made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_voiceload.analysis.inflection import Inflections, find
from otel_voiceload.analysis.levels import Cycles, Evidence
from otel_voiceload.capacity.plan_file import PlanFile
from otel_voiceload.reports.plan_model import RunModel, mean_turn_s, read_model, seen_at_most
from tests.analysis import shapes

CALLS = (4.0, 8.0, 16.0, 32.0, 64.0, 96.0)
WORK: dict[str, object] = {
    "component": "llm", "turns": 200, "calls": 40, "attempts_per_turn": 1.0,
    "latency_mean_s": 0.5, "latency_p50_s": 0.48, "latency_p95_s": 0.7, "busy_turns": 200,
    "busy_mean_s": 0.6, "busy_error_s": 0.006, "source": "target_trace",
}  # fmt: skip
SHAPE: dict[str, object] = {
    "calls": 40, "length_s": 12.0, "turns_per_call": 4.0, "turns": 200, "latency_s": 0.9,
    "speech_s": 1.2, "reply_s": 0.8, "deadline_s": 8.0,
}  # fmt: skip
FACTS: dict[str, object] = {"wire": "twilio", "machine_cores": 4}
COST: dict[str, object] = {"role": "generator", "source": "sampled", "cpu_per_call": 0.001}


class Rows:
    """An open store that knows four queries, and remembers what was asked below which load."""

    def __init__(
        self,
        work: list[dict[str, object]] | None = None,
        shape: dict[str, object] | None = None,
        costs: list[dict[str, object]] | None = None,
    ) -> None:
        self.below: object = None
        self.share: object = None
        self._answers = {
            "component_work": [WORK] if work is None else work,
            "call_shape": [SHAPE if shape is None else shape],
            "run_facts": [FACTS],
            "marginal_cost": costs or [],
        }

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
        self.below = parameters.get("knee_calls", self.below)
        self.share = parameters.get("share", self.share)
        return self._answers[name]


def seen(knee: float | None = 40.0) -> Evidence:
    llm = shapes.steady(CALLS, 0.5) if knee is None else shapes.closed_loop(CALLS, knee)
    return shapes.evidence(CALLS, {"turn": llm, "llm": llm})


def found(evidence: Evidence) -> Inflections:
    return find(evidence, timed=("llm",))


def read(
    rows: Rows | None = None, evidence: Evidence | None = None, written: PlanFile | None = None
) -> RunModel:
    evidence = evidence or seen()
    return read_model(
        rows or Rows(), "friday", found(evidence), evidence, written or PlanFile(), "limits.yaml"
    )


def bent() -> Evidence:
    """With the way back, so that the load is known to be the reason."""
    llm = shapes.closed_loop(CALLS, 40.0)
    well = shapes.point(0.5, 16 / shapes.CYCLE_S)
    returned = [(16.0, {"turn": well, "llm": well})]
    return shapes.evidence(CALLS, {"turn": llm, "llm": llm}, returned=returned)


def test_the_component_that_bent_has_the_limit_that_was_measured() -> None:
    made = read(evidence=bent())
    (llm,) = made.model.fulls()

    assert (llm.component, llm.cap.basis, llm.cap.kind) == ("llm", "measured", "servers")
    assert llm.calls == pytest.approx(40, rel=0.05)
    assert llm.cap.value == pytest.approx(40 / 3 * 0.6, rel=0.05)  # turns a second x busy
    assert made.model.unknown == ("stt", "tts")
    assert made.model.carried == pytest.approx(40, rel=0.1)
    assert llm.ci is not None
    assert made.model.carried >= llm.ci[0], "the others carry what the full one serves"


def test_only_levels_well_below_the_onset_tell_what_work_is() -> None:
    rows = Rows()
    read(rows, bent())
    assert isinstance(rows.below, float)
    assert 16 < rows.below <= 32

    quiet = Rows()
    read(quiet, seen(None))
    assert quiet.below is None


def test_of_very_many_turns_a_share_is_listened_to() -> None:
    few, many = Rows(), Rows()
    read(few, seen(None))
    evidence = seen(None)
    thousand = {
        level: Cycles(1000 * each.counts, 1000 * each.sums_s)
        for level, each in evidence.cycles.items()
    }
    read(many, replace(evidence, cycles=thousand))
    turns = sum(each.counts.sum() for each in thousand.values())

    assert few.share is None
    assert many.share == pytest.approx(50_000 / turns)


def test_what_the_run_tells_comes_with_its_query() -> None:
    inputs = read(Rows(costs=[COST, COST])).inputs

    assert {name: each.value for name, each in inputs.items.items() if each.source == "run"} == {
        "call.turns": 4.0,
        "call.turn_cycle": pytest.approx(3.0),
        "call.length": 12.0,
        "call.speech": 1.2,
        "call.reply": 0.8,
        "llm.requests_per_turn": 1.0,
        "llm.busy": 0.6,
        "wire": "twilio",
        "generator.calls_per_core": pytest.approx(350),  # 2 ms of CPU per call-second, 70 % busy
        "generator.cores_per_machine": 4.0,
        "stt.busy": 1.2,
        "tts.busy": 0.8,
    }
    assert inputs.relative_error("llm.busy") == pytest.approx(0.01)


def test_retries_are_requests_of_their_own() -> None:
    inputs = read(Rows([{**WORK, "attempts_per_turn": 1.5}])).inputs

    assert inputs.number("llm.requests_per_turn") == 1.5
    assert inputs.number("llm.busy") == pytest.approx(0.4)


def test_too_little_seen_is_not_seen() -> None:
    thin = read(Rows([{**WORK, "turns": 5}], {**SHAPE, "calls": 2, "turns": 3})).inputs

    assert {
        thin.source(name) for name in ("call.turns", "call.speech", "llm.busy")
    } == {"assumption"}  # fmt: skip


def test_how_long_a_server_is_held_is_assumed_where_spans_do_not_tell() -> None:
    unheld = {**WORK, "busy_mean_s": None, "busy_turns": 0, "busy_error_s": None}
    made = read(Rows([unheld]), bent())

    assert made.model.work["llm"].assumed
    assert made.model.fulls()[0].ci is not None  # N* itself was measured


def test_components_of_other_names_are_work_as_the_run_tells_it() -> None:
    rag = {**WORK, "component": "rag"}
    silent = {**WORK, "component": "tool", "busy_mean_s": None, "busy_error_s": None}
    work = read(Rows([WORK, rag, silent, {**WORK, "component": "unattributed"}])).model.work

    assert set(work) == {"llm", "rag", "tool"}
    assert (work["rag"].busy_s, work["rag"].assumed) == (0.6, False)
    assert (work["tool"].busy_s, work["tool"].assumed) == (0.5, True)


def test_the_plan_file_wins_and_a_difference_is_said() -> None:
    written = PlanFile(
        limits={("llm", "concurrent"): 80.0, ("llm", "requests_per_minute"): 6000.0},
        assumptions={"call.turn_cycle": 6.0},
    )
    made = read(evidence=bent(), written=written)

    assert made.model.cycle_s == 6.0
    assert made.model.cycle_error == 0.0
    assert made.model.fulls()[0].calls == pytest.approx(40, rel=0.05)
    kinds = [(cap.kind, cap.basis) for cap in made.model.caps["llm"]]
    assert kinds == [("servers", "measured"), ("turns_per_s", "declared")]
    assert "llm: concurrent 80 in limits.yaml" in made.model.notes[0]
    at_work = made.model.caps["llm"][0].value
    assert seen_at_most(made.model, {"llm": 80.0, "tts": 80.0}) == {"llm": at_work}
    assert seen_at_most(made.model, {"llm": 1.1 * at_work}) == {}


def test_an_empty_run_gives_assumptions_and_no_limit() -> None:
    nothing: dict[str, object] = {**dict.fromkeys(SHAPE), "calls": 0, "turns": 0}
    made = read(Rows([], nothing), shapes.evidence((), {"turn": ()}))

    assert made.model.fulls() == ()
    assert made.model.carried is None
    assert made.model.cycle_error is None
    assert made.inputs.source("call.turn_cycle") == "assumption"


def test_where_every_level_waits_it_is_not_known_what_was_carried() -> None:
    calls = (60.0, 90.0)
    llm = shapes.closed_loop(calls, 40.0)
    full = shapes.evidence(calls, {"turn": llm, "llm": llm})

    assert found(full).components.status == "at_most"
    made = read(evidence=full)
    assert made.model.carried is None
    assert made.model.fulls() == ()


def test_the_mean_turn_at_a_load_is_that_of_the_nearest_level() -> None:
    evidence = seen()

    assert mean_turn_s(evidence, 60.0) == pytest.approx(0.5 + 64 / (40 / 3) - 3)
    assert mean_turn_s(evidence, 45.0) is None


def test_the_error_of_the_cycle_is_by_calls() -> None:
    made = read(evidence=bent())

    assert made.model.cycle_error == pytest.approx(0.0, abs=1e-9)  # all calls alike
