from __future__ import annotations

from dataclasses import replace

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.profiles import Findings, Measured, Request, StageFinding
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
            StageFinding(replace(f.stage, duration_s=1.5, note="held")) for f in told[-1:]
        )
        findings = replace(findings, stages=(*findings.stages, *told, *pieces))

    levels = [f.stage.calls_to for f in findings.stages if f.stage.duration_s > 1.5]
    assert levels == [1, 2, 3, 4, 6, 8, 10, 20, 20, 10]
    assert options.stop_reason(findings) == "generator_limit"


def test_a_search_has_no_duration_of_its_own() -> None:
    with pytest.raises(UsageError, match="--until-knee"):
        Options.of(Request(until_knee=True, duration_s=60))
