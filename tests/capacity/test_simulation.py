"""A run that is played in pieces is the run that is played at once; calls come, greet and end."""

from __future__ import annotations

from typing import Any

import pytest

from otel_voiceload.capacity.config import parse_agent_config
from otel_voiceload.capacity.simulate import simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.capacity.simulated_run import SimulatedRun
from otel_voiceload.capacity.simulation import Simulation
from otel_voiceload.model import CallRecord, Stage, TurnRecord

STAGES = (Stage(0, "ramp", 0, 15, 6, 6), Stage(1, "ramp", 15, 15, 12, 12))
SLOW = parse_agent_config(
    {
        "greeting": False,
        "components": {
            "llm": {"latency": {"median": "1s", "p95": "2s"}, "capacity": 2, "hold": 2.0},
        },
    },
    "test",
)


def fresh(**more: Any) -> Simulation:
    return Simulation(SLOW, CallerModel(), seed=3, run=SimulatedRun(), **more)


def test_pieces_are_the_whole() -> None:
    simulation, taken = fresh(), []
    for stage in STAGES:
        simulation.extend([stage])
        for second in range(round(stage.start_s), round(stage.end_s)):
            simulation.run_to(second + 1)
            taken += simulation.take()
    simulation.finish()
    taken += simulation.take()
    whole = [
        each for each in simulate(STAGES, SLOW, seed=3) if isinstance(each, TurnRecord | CallRecord)
    ]
    assert sorted(map(repr, taken)) == sorted(map(repr, whole))


def test_arrivals_are_calls_of_their_own_and_the_most_held_bounds_them() -> None:
    simulation = fresh(most_held=3)
    simulation.extend([Stage(0, "open", 0, 30, 0, 0, arrivals="constant", per_s_from=1)])
    for second in range(30):
        simulation.arrive(float(second))
    simulation.finish()
    over = [each for each in simulation.take() if isinstance(each, CallRecord)]
    assert len(over) + simulation.starts_dropped == 30
    assert simulation.starts_dropped > 0


def test_no_call_begins_after_as_many_as_were_wanted() -> None:
    simulation = fresh(most_calls=4)
    simulation.extend(STAGES)
    simulation.run_to(30)
    assert simulation.all_called
    assert sum(isinstance(each, CallRecord) for each in simulation.take()) == 4


def test_a_stop_hangs_up_at_that_moment() -> None:
    simulation = fresh()
    simulation.extend(STAGES)
    simulation.run_to(20)
    simulation.hang_up()
    assert simulation.calls_held == 0
    ended = [each for each in simulation.take() if isinstance(each, CallRecord)]
    last = [each for each in ended if each.outcome == "aborted_by_us"]
    assert last
    assert {each.end_mono_ns for each in last} == {SimulatedRun().start_mono_ns + 20 * 10**9}


@pytest.mark.parametrize(("wait_s", "greeted"), [(0.0, False), (0.001, False), (5.0, True)])
def test_an_agent_that_greets_is_heard_by_callers_who_wait(wait_s: float, greeted: bool) -> None:
    config = SLOW.model_copy(update={"greeting": True})
    stage = Stage(0, "ramp", 0, 10, 1, 1)
    records = simulate([stage], config, CallerModel(greeting_wait_s=wait_s), seed=1)
    call = next(each for each in records if isinstance(each, CallRecord))
    assert (call.greeting_latency_s is not None) is greeted
