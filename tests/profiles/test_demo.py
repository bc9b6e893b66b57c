from __future__ import annotations

import pytest

from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Request, StageFinding
from otel_voiceload.profiles.demo import Options


def played(options: Options, limited: frozenset[int] = frozenset()) -> list[Stage]:
    findings: list[StageFinding] = []
    while more := options.next_stages(Findings(tuple(findings))):
        findings += [StageFinding(stage, stage.index in limited) for stage in more]
    return [finding.stage for finding in findings]


def test_five_levels_in_45_seconds_the_last_a_return() -> None:
    stages = played(Options())
    assert [(s.calls_to, s.duration_s) for s in stages] == [
        (12, 8),
        (24, 9),
        (48, 8),
        (96, 12),
        (24, 8),
    ]
    assert [stage.repeat_of for stage in stages] == [None, None, None, None, 1]
    assert stages[-1].end_s == 45


def test_a_level_at_which_the_generator_was_the_limit_is_held_again() -> None:
    stages = played(Options(), limited=frozenset({1, 3}))
    assert [s.calls_to for s in stages] == [12, 24, 24, 48, 48, 96, 24]
    assert stages[-1].repeat_of == 2  # the one that counts


@pytest.mark.parametrize("seconds", [20.0, 45.0, 60.0])
def test_repeats_never_take_more_than_twice_the_time(seconds: float) -> None:
    stages = played(Options(seconds), limited=frozenset(range(100)))
    assert stages[-1].end_s <= 2 * seconds
    assert stages[-1].calls_to == 24
    assert {stage.calls_to for stage in stages} == {12, 24, 48, 96}


def test_its_length_can_be_chosen_but_not_too_short() -> None:
    options = Options.of(Request(duration_s=90))
    assert options.problems() == []
    assert played(options)[-1].end_s == 90
    assert len(Options.of(Request(duration_s=5)).problems()) == 1
    assert Options.of(Request()).peak_calls == 96
