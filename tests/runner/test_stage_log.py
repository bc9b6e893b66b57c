from __future__ import annotations

from collections import Counter
from dataclasses import replace

from otel_voiceload.model import Health, Stage
from otel_voiceload.profiles.levels import level
from otel_voiceload.runner.stage_log import HELD, StageLog

CALM = Health(0, 0, 2, 50, 0, 0.0, 0.001, 0.001, 0.0, 0.1, 0, 0)
LATE = replace(CALM, pacing_error_p99_s=0.5, limited_by=("pacing_error",))


def log() -> StageLog:
    made = StageLog()
    made.add((level(0, "ramp", 0.0, 10.0, 2), level(1, "ramp", 10.0, 10.0, 4)))
    return made


def test_a_second_belongs_to_the_stage_in_which_it_began() -> None:
    stages = log()
    assert stages.heard(10.5, CALM) == stages.stages[0]
    assert stages.heard(11.2, CALM) == stages.stages[1]
    assert stages.heard(0.5, CALM) is None


def test_a_stage_is_judged_once() -> None:
    stages = log()
    stages.heard(5.0, LATE)
    first = stages.findings(0, Counter())
    stages.heard(15.0, LATE)
    second = stages.findings(0, Counter())
    assert [f.generator_limited for f in first.stages] == [True, False]
    assert [f.generator_limited for f in second.stages] == [True, False]


def test_a_stage_whose_calls_we_could_not_hold_ourselves_proves_nothing() -> None:
    for failed_here, active, limited in ((0, 1, False), (1, 1, True), (1, 2, False)):
        stages = log()
        for at_s in (1.5, 2.5):
            stages.heard(at_s, replace(CALM, calls_active=active), 3, failed_here)
        first, *_ = stages.findings(0, Counter()).stages
        assert first.generator_limited is limited, (failed_here, active)


def test_a_stage_of_which_a_lost_worker_took_its_part_proves_nothing() -> None:
    for lost_at_s, limited in ((9.9, [False, True]), (5.0, [True, True]), (30.0, [False, False])):
        stages = log()
        stages.lost(lost_at_s, 0.25)
        found = stages.findings(0, Counter()).stages
        assert [each.generator_limited for each in found] == limited, lost_at_s


def test_a_piece_by_which_a_level_is_held_is_the_same_load_and_says_why() -> None:
    stages = log()
    piece = stages.hold(natural_ends=7)
    assert (piece.index, piece.start_s, piece.calls_from, piece.calls_to) == (2, 20.0, 4, 4)
    assert piece.note == HELD
    found = stages.findings(9, Counter()).stages
    assert [each.held_on for each in found] == [False, False, True]
    assert found[-1].ends_before == 7


def test_a_climbing_rate_is_held_at_its_end() -> None:
    stages = StageLog()
    rising = Stage(0, "p", 0.0, 10.0, 0, 0, arrivals="poisson", per_s_from=1, per_s_to=3)
    stages.add((rising,))
    assert (stages.hold(0).per_s_from, stages.hold(0).per_s_to) == (3, 3)
