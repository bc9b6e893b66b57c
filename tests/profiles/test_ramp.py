from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import quantiles

import pytest

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.capacity.simulated_run import SimulatedRun
from otel_voiceload.capacity.simulation import Simulation
from otel_voiceload.errors import UsageError
from otel_voiceload.model import NS_PER_S, Stage, TurnRecord
from otel_voiceload.profiles import Fared, Findings, Measured, Request, StageFinding
from otel_voiceload.profiles.ramp import Options, levels_to


@pytest.mark.parametrize(
    ("calls", "levels"),
    [
        (1, (1,)),
        (5, (1, 2, 3, 4, 5)),
        (10, (1, 2, 3, 4, 6, 8, 10)),
        (12, (1, 2, 3, 4, 6, 8, 10, 12)),
        (40, (1, 2, 3, 4, 6, 8, 10, 20, 40)),
        (100, (1, 2, 3, 4, 6, 8, 10, 20, 40, 80, 100)),
    ],
)
def test_levels_are_small_steps_and_then_doublings(calls: int, levels: tuple[int, ...]) -> None:
    assert levels_to(calls) == levels


def test_the_ramp_returns_to_an_earlier_level_and_says_so() -> None:
    stages = Options.of(Request(calls=100)).next_stages(Findings())
    assert stages is not None
    *_, top, back = stages
    assert (top.calls_to, back.calls_to) == (100, 40)
    assert back.repeat_of == 8
    assert stages[8].calls_to == 40
    assert all(stage.duration_s == 60 for stage in stages)


def test_a_ramp_to_one_call_has_nothing_to_return_to() -> None:
    stages = Options.of(Request(calls=1)).next_stages(Findings())
    assert stages is not None
    assert len(stages) == 1


def test_a_duration_is_that_of_the_whole_ramp() -> None:
    stages = Options.of(Request(calls=10, duration_s=400, turn_cycle_s=2)).next_stages(Findings())
    assert stages is not None
    assert stages[-1].end_s == 400


def test_problems_are_told() -> None:
    assert len(Options.of(Request(calls=0)).problems()) == 1
    assert len(Options(calls=5, hold_s=0).problems()) == 1


# --- until the knee ------------------------------------------------------------------------------


def searched(measured: Measured, calls: int = 100) -> tuple[list[float], Options, Findings]:
    """The levels held when every measurement says the same."""
    options = Options.of(Request(calls=calls, until_knee=True))
    findings = Findings()
    while True:
        if options.needs_measure(findings):
            findings = replace(findings, measured=replace(measured, stages=len(findings.stages)))
        more = options.next_stages(findings)
        if more is None:
            return [f.stage.calls_to for f in findings.stages], options, findings
        findings = replace(findings, stages=(*findings.stages, *map(StageFinding, more)))


def test_until_the_knee_it_doubles_while_nothing_bends_and_returns_at_the_end() -> None:
    levels, options, findings = searched(Measured(0, "not_reached"), calls=50)
    assert levels == [1, 2, 3, 4, 6, 8, 10, 20, 40, 50, 20]
    assert options.stop_reason(findings) == "target_reached"


def test_a_knee_that_is_known_ends_the_search_and_the_last_stage_says_so() -> None:
    levels, options, findings = searched(Measured(0, "found", "llm", 8, 7, 9))
    assert levels == [1, 2, 3, 4, 6, 8, 10, 4]
    back = findings.stages[-1].stage
    assert (back.repeat_of, back.note) == (
        3,
        "the knee is known: llm at 7 to 9 calls; the level of 4 once more",
    )
    assert options.stop_reason(findings) == "target_reached"


def test_a_suspicion_makes_the_steps_small() -> None:
    levels, _, _ = searched(Measured(0, "ambiguous", "llm"), calls=20)
    assert levels == [1, 2, 3, 4, 6, 8, 10, 12, 15, 19, 20, 10]


def test_where_the_generator_is_the_limit_the_search_tries_once_more_and_ends() -> None:
    options = Options.of(Request(calls=100, until_knee=True))
    findings = Findings(measured=Measured(99, "not_reached"))
    while (more := options.next_stages(findings)) is not None:
        told = tuple(StageFinding(stage, stage.calls_to >= 20) for stage in more)
        pieces = tuple(
            StageFinding(replace(f.stage, duration_s=1.5), held_on=True) for f in told[-1:]
        )
        findings = replace(findings, stages=(*findings.stages, *told, *pieces))

    levels = [f.stage.calls_to for f in findings.stages if f.stage.duration_s > 1.5]
    assert levels == [1, 2, 3, 4, 6, 8, 10, 20, 20, 10]
    assert options.stop_reason(findings) == "generator_limit"


def test_between_two_levels_it_goes_back_and_to_the_middle_and_returns_at_the_end() -> None:
    """A target whose p95 grows with every call beyond 31."""
    options = Options.of(Request(calls=100, until_knee=True))
    findings = Findings()
    while True:
        levels = tuple(
            Fared(s.calls_to, 60, ratio, ratio, 0.0, 0.0)
            for s in (found.stage for found in findings.stages)
            for ratio in (max(1.0, s.calls_to / 31 * 1.3),)
        )
        measured = Measured(len(findings.stages), "not_reached", levels=levels)
        more = options.next_stages(replace(findings, measured=measured))
        if more is None:
            break
        findings = replace(findings, stages=(*findings.stages, *map(StageFinding, more)))

    asked = [found.stage.calls_to for found in findings.stages]
    first_steps, search = asked[:7], asked[7:]
    assert first_steps == [1, 2, 3, 4, 6, 8, 10]
    # Too many at 40, well at 28, too many at 33; then up in small steps to the floor.
    assert search == [20, 40, 20, 28, 33, 50, 62, 78, 98, 40]
    assert findings.stages[-1].stage.repeat_of == asked.index(40)
    assert options.stop_reason(replace(findings, measured=measured)) == "quality_floor"


def fared(turns: Sequence[TurnRecord], base_s: float, stage: Stage) -> Fared:
    """A level as the callers heard it, after the warm-up."""
    from_ns = SimulatedRun().start_mono_ns + round((stage.start_s + 5.0) * NS_PER_S)
    own = [turn for turn in turns if turn.load.stage_index == stage.index]
    seconds = [turn.response_latency_s or turn.deadline_s for turn in own
               if turn.speech_start_mono_ns >= from_ns]  # fmt: skip
    p95_s = quantiles(seconds, n=20)[-1]
    silent = sum(turn.response_latency_s is None for turn in own) / len(own)
    return Fared(stage.calls_to, len(own), p95_s, p95_s / (base_s or p95_s), silent, 0.0)


def test_a_simulated_target_that_is_full_at_48_calls_is_searched_from_both_sides() -> None:
    """In virtual time, with nothing but the latency of turns to go by."""
    options = Options.of(Request(calls=200, until_knee=True, pace=0.3))
    target = solve_plant("llm", 48, CallerModel().cycle())
    simulation = Simulation(target, CallerModel(), seed=3, run=SimulatedRun())
    findings, turns = Findings(), list[TurnRecord]()
    while True:
        stages = [found.stage for found in findings.stages]
        if stages:
            base_s = fared(turns, 0.0, stages[6]).p95_s  # at ten calls
            levels = tuple(fared(turns, base_s, stage) for stage in stages[6:])
            measured = Measured(len(stages), "not_reached", levels=levels)
            findings = replace(findings, measured=measured)
        more = options.next_stages(findings)
        if more is None:
            break
        simulation.extend(more)
        simulation.run_to(more[-1].end_s)
        turns += [record for record in simulation.take() if isinstance(record, TurnRecord)]
        findings = replace(findings, stages=(*findings.stages, *map(StageFinding, more)))

    asked = [round(stage.calls_to) for stage in stages]
    at_80 = asked.index(80)
    assert asked[7:at_80] == [20, 40]
    assert asked[at_80 + 1 : at_80 + 3] == [40, 57], "back to the good one, and to the middle"
    middles = [calls for calls in asked if 40 < calls < 80]
    assert min(middles) <= 57 <= max(middles)
    assert stages[-1].repeat_of is not None


def test_a_search_has_no_duration_of_its_own() -> None:
    with pytest.raises(UsageError, match="--until-knee"):
        Options.of(Request(until_knee=True, duration_s=60))
