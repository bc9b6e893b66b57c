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


def test_a_piece_by_which_a_level_is_held_is_the_same_load_and_says_why() -> None:
    stages = log()
    piece = stages.hold(natural_ends=7)
    assert (piece.index, piece.start_s, piece.calls_from, piece.calls_to) == (2, 20.0, 4, 4)
    assert piece.note == HELD
    assert stages.findings(9, Counter()).stages[-1].ends_before == 7


def test_a_climbing_rate_is_held_at_its_end() -> None:
    stages = StageLog()
    rising = Stage(0, "p", 0.0, 10.0, 0, 0, arrivals="poisson", per_s_from=1, per_s_to=3)
    stages.add((rising,))
    assert (stages.hold(0).per_s_from, stages.hold(0).per_s_to) == (3, 3)
