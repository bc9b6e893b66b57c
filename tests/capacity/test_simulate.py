"""Simulated runs obey the operational law, and the same seed gives the same run."""

from itertools import pairwise
from statistics import fmean

import pytest

from otel_voiceload.capacity.config import AgentConfig, parse_agent_config
from otel_voiceload.capacity.knee import expected_knee, solve_plant
from otel_voiceload.capacity.simulate import (
    CallerModel,
    SimulatedRecord,
    SimulatedRun,
    simulate,
)
from otel_voiceload.model import CallRecord, RunRecord, Stage, StageRecord, TurnRecord

CALLERS = CallerModel()
START_NS = SimulatedRun().start_mono_ns


def steps(*levels: tuple[int, float]) -> list[Stage]:
    stages, at_s = [], 0.0
    for index, (calls, length_s) in enumerate(levels):
        stages.append(Stage(index, "ramp", at_s, length_s, calls, calls))
        at_s += length_s
    return stages


DEMO = steps((12, 8), (24, 9), (48, 8), (96, 12), (24, 8))


def turns(records: list[SimulatedRecord]) -> list[TurnRecord]:
    return [record for record in records if isinstance(record, TurnRecord)]


def calls(records: list[SimulatedRecord]) -> list[CallRecord]:
    return [record for record in records if isinstance(record, CallRecord)]


def throughput(records: list[SimulatedRecord], from_s: float, to_s: float) -> float:
    """Answers per second within a window of the run."""
    heard = [
        (turn.first_audio_mono_ns - START_NS) / 1e9
        for turn in turns(records)
        if turn.first_audio_mono_ns is not None
    ]
    return sum(from_s <= at_s < to_s for at_s in heard) / (to_s - from_s)


@pytest.mark.parametrize("component", ["stt", "llm", "tts"])
def test_the_demo_plateau_is_what_the_planted_servers_can_carry(component: str) -> None:
    """Over many seeds: plateau throughput / turn rate per call = the planted calls."""
    config = solve_plant(component, 48, CALLERS.cycle())
    part = config.components.model_dump()[component]
    mean_s = part["latency"]["median_s"] * 1.0212  # sigma 0.2045
    servers_can = part["capacity"] / mean_s
    plateaus = [throughput(simulate(DEMO, config, seed=seed), 28, 37) for seed in range(8)]
    assert fmean(plateaus) == pytest.approx(servers_can, rel=0.03)
    assert min(plateaus) > 0.85 * servers_can
    assert max(plateaus) < 1.15 * servers_can


@pytest.mark.parametrize("component", ["stt", "llm", "tts"])
def test_the_simulated_knee_is_the_expected_one(component: str) -> None:
    """Long levels: what the plateau carries, over what one unloaded call asks per second."""
    config = solve_plant(component, 60, CALLERS.cycle())
    records = simulate(steps((10, 100), (140, 80)), config, seed=5)
    per_call = throughput(records, 10, 100) / 10
    knee = throughput(records, 120, 180) / per_call
    assert knee == pytest.approx(expected_knee(config, CALLERS.cycle()).calls, rel=0.04)


@pytest.mark.parametrize(
    ("behaviour", "kept"), [("queue", (0.9, 1.1)), ("share", (0.9, 1.1)), ("cliff", (0.0, 0.6))]
)
def test_beyond_the_knee_throughput_stays_or_falls_off_the_cliff(
    behaviour: str, kept: tuple[float, float]
) -> None:
    data = solve_plant("llm", 48, CALLERS.cycle()).model_dump()
    data["components"]["llm"]["over_capacity"] = behaviour
    for part in data["components"].values():
        part["latency"] = {"median": part["latency"]["median_s"], "p95": part["latency"]["p95_s"]}
    data["reply"] = {"median": data["reply"]["median_s"], "p95": data["reply"]["p95_s"]}
    config = parse_agent_config(data, "test")
    knee = expected_knee(config, CALLERS.cycle())
    records = simulate(steps((16, 20), (144, 40)), config, CallerModel(patience_s=60), seed=1)
    share = throughput(records, 35, 60) / (knee.calls * throughput(records, 5, 20) / 16)
    assert kept[0] <= share <= kept[1]


def test_nothing_bends_where_nothing_was_planted() -> None:
    config = solve_plant("none", 48, CALLERS.cycle())
    records = simulate(DEMO, config, seed=1)
    assert throughput(records, 29, 37) == pytest.approx(8 * throughput(records, 3, 8), rel=0.15)
    assert {turn.outcome for turn in turns(records)} == {"answered"}


def test_a_seed_gives_the_same_run_and_another_seed_another() -> None:
    config = solve_plant("llm", 48, CALLERS.cycle())
    assert simulate(DEMO, config, seed=4) == simulate(DEMO, config, seed=4)
    assert simulate(DEMO, config, seed=4) != simulate(DEMO, config, seed=5)


def test_the_asked_number_of_calls_is_held() -> None:
    records = simulate(DEMO, solve_plant("none", 48, CALLERS.cycle()), seed=2)
    for at_s, asked in ((6, 12), (14, 24), (23, 48), (34, 96), (43, 24)):
        at_ns = START_NS + at_s * 10**9
        held = sum(c.start_mono_ns <= at_ns < c.end_mono_ns for c in calls(records))
        # A few are between two calls at any moment.
        assert asked * 0.9 - 1 <= held <= asked, f"{held} calls held at {at_s} s"


def test_starts_are_spread_over_a_turn_cycle() -> None:
    records = simulate(DEMO, solve_plant("none", 48, CALLERS.cycle()), seed=2)
    first = sorted(call.start_mono_ns for call in calls(records))[:12]
    gaps = [later - earlier for earlier, later in pairwise(first)]
    assert max(gaps) < 2 * min(gaps)


def test_calls_have_their_turns_and_surplus_calls_hang_up_after_one() -> None:
    records = simulate(DEMO, solve_plant("none", 48, CALLERS.cycle()), seed=2)
    by_outcome = {outcome: [] for outcome in ("completed", "aborted_by_us")}
    for call in calls(records):
        by_outcome[call.outcome].append(call.turn_count)
    assert set(by_outcome["completed"]) == {4}
    assert set(by_outcome["aborted_by_us"]) <= {1, 2, 3}
    assert {turn.turn_index for turn in turns(records)} == {0, 1, 2, 3}


def test_every_turn_carries_the_work_that_was_done_for_it() -> None:
    records = simulate(DEMO, solve_plant("llm", 48, CALLERS.cycle()), seed=2)
    for turn in turns(records):
        assert [part.component for part in turn.components] == ["stt", "llm", "tts"]
        assert {part.source for part in turn.components} == {"simulated"}
        (_, llm, tts) = turn.components
        assert llm.first_mono_ns is not None
        assert llm.first_mono_ns == tts.start_mono_ns
        assert turn.first_audio_mono_ns == tts.first_mono_ns


def test_impatient_callers_abandon_a_hopeless_queue_and_free_it() -> None:
    config = solve_plant("llm", 48, CALLERS.cycle())
    records = simulate(steps((400, 40)), config, CallerModel(patience_s=3.0), seed=1)
    gone = [call for call in calls(records) if call.outcome == "abandoned"]
    unanswered = [turn for turn in turns(records) if turn.outcome == "no_response"]
    assert len(gone) == len(unanswered) > 50
    waited = {
        round((call.end_mono_ns - turn.speech_end_mono_ns) / 1e9, 6)
        for call, turn in zip(gone, unanswered, strict=True)
    }
    assert waited == {3.0}
    cancelled = [p for turn in unanswered for p in turn.components if p.error_type == "cancelled"]
    assert len(cancelled) == len(unanswered)


def test_a_refusing_component_leaves_its_retries_in_the_turn() -> None:
    config = parse_agent_config(
        {
            "components": {
                "stt": {"latency": {"median": 0.1, "p95": 0.2}, "capacity": 2,
                        "over_capacity": "reject", "retry_after": "500ms"}
            }
        },
        "test",
    )  # fmt: skip
    records = simulate(steps((150, 20)), config, seed=1)
    tried = [part for turn in turns(records) for part in turn.components]
    assert {part.error_type for part in tried} >= {None, "rate_limited"}
    assert max(part.attempt for part in tried) == 3
    assert all(part.retry_wait_s >= 0.5 for part in tried if part.attempt)


def test_a_dropping_agent_cuts_calls_off() -> None:
    config = AgentConfig.model_validate({"faults": [{"name": "drop", "share": 0.5}]})
    outcomes = [c.outcome for c in calls(simulate(steps((20, 30)), config, seed=1))]
    assert outcomes.count("dropped") > len(outcomes) / 3


def test_a_network_delays_both_directions() -> None:
    near = AgentConfig.model_validate({"components": {}, "greeting": False})
    far = near.model_copy(
        update={"network": near.network.model_copy(update={"delay": 0.1, "jitter": 0.01})}
    )
    stages = steps((5, 20))
    latency = [
        fmean(t.response_latency_s for t in turns(simulate(stages, config)) if t.response_latency_s)
        for config in (near, far)
    ]
    assert latency[1] - latency[0] == pytest.approx(0.2, abs=0.02)
    rtts = [t.rtt_s for t in turns(simulate(stages, far)) if t.rtt_s is not None]
    assert fmean(rtts) == pytest.approx(0.2, abs=0.01)


def test_the_run_and_its_stages_are_told() -> None:
    run = SimulatedRun(run_id="r1", profile="demo", planted="llm:48")
    records = simulate(DEMO, solve_plant("llm", 48, CALLERS.cycle()), seed=3, run=run)
    told = [record for record in records if isinstance(record, RunRecord)]
    assert [(r.run_id, r.profile, r.planted, r.seed) for r in told] == [("r1", "demo", "llm:48", 3)]
    stages = [record for record in records if isinstance(record, StageRecord)]
    assert [record.stage for record in stages] == DEMO
    assert stages[-1].end_mono_ns == START_NS + 45 * 10**9
