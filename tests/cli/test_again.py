from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import RunRecord, Stage
from otel_voiceload.profiles import Request
from otel_voiceload.runner import play as playing
from otel_voiceload.runner.again import recorded
from otel_voiceload.runner.generate import RunOutcome
from otel_voiceload.runner.plan import Again, RunPlan
from otel_voiceload.telemetry.exporter import Totals
from tests.cli.ovl import ovl
from tests.store.builder import batches_of, write_store

EARLIER = "20270115T080001-again"
TARGET = "ws://127.0.0.1:8765"
PLAN = RunPlan(TARGET, "ramp", Request(calls=6), Path("old"), scenarios=("demo",), seed=9)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    callers = CallerModel()
    stages = [Stage(0, "ramp", 0.0, 20.0, 4, 4)]
    run = SimulatedRun(run_id=EARLIER, profile="ramp")
    config = solve_plant("none", 24, callers.cycle(), seed=1)
    records = [
        replace(each, plan=recorded(PLAN)) if isinstance(each, RunRecord) else each
        for each in simulate(stages, config, callers, seed=1, run=run)
    ]
    write_store(tmp_path, [(batches_of(records, EARLIER), True)], recording="one")
    return tmp_path


def test_a_run_is_made_again_and_both_are_shown(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[RunPlan] = []

    def play(plan: RunPlan, *_: object) -> RunOutcome:
        plans.append(plan)
        return RunOutcome(EARLIER, "target_reached", Totals(7, 7), None)

    monkeypatch.setattr(playing, "play", play)

    ended = ovl(capsys, store, "generate", TARGET, "--again", "latest", "--tag", "second")

    (plan,) = plans
    assert (plan.profile_name, plan.request.calls, plan.seed) == ("ramp", 6, 9)
    assert (plan.tag, plan.store) == ("second", store)
    assert plan.again == Again(EARLIER, "simulated", "simulated")
    assert "turn p95" in ended.out
    assert ended.out.count("\n  next ") == 2, "of the report and of the comparison"
    assert "three repeats per side" in ended.out


def test_the_load_of_a_run_is_not_mixed_with_another(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = ovl(capsys, store, "generate", TARGET, "--again", "latest", "-c", "5")
    assert ended.code == 2
    assert "leave out --calls" in ended.err
