from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from otel_voiceload.model import Stage
from otel_voiceload.profiles import Ceiling, Findings, Measured, StageFinding, baseline, ramp, soak
from otel_voiceload.profiles.levels import level
from otel_voiceload.profiles.sequence import Part, Sequence, ceiling_of

EARLIER = Ceiling(50, "run x")


def soaked(findings: Findings) -> soak.Options:
    calls, note = ceiling_of(findings, None).share(0.75, 10)
    return soak.Options(calls, 30.0, note=note)


SEQUENCE = Sequence(
    (
        Part("calm", lambda _: baseline.Options(2, 10.0, 5.0, 60.0, natural_ends=4)),
        Part("up", lambda _: ramp.Options(8, 10.0), climbs=True),
        Part("long", soaked, relative=True),
    )
)


def found(*stages: Stage, ends: int = 0, measured: Measured | None = None) -> Findings:
    return Findings(tuple(StageFinding(stage) for stage in stages), ends, measured=measured)


def played(measured: Measured | None) -> tuple[list[Stage], list[int]]:
    """The stages, and after how many of them it wanted to know more."""
    stages: list[Stage] = []
    asked = []
    known: Measured | None = None
    while True:
        findings = found(*stages, ends=2 * len(stages), measured=known)
        if SEQUENCE.needs_measure(findings):
            asked.append(len(stages))
            known = measured and replace(measured, stages=len(stages))
            findings = replace(findings, measured=known)
        more = SEQUENCE.next_stages(findings)
        if more is None:
            return stages, asked
        stages += more


def test_parts_follow_one_another_without_gaps_under_their_own_names() -> None:
    stages, _ = played(Measured(0, "found", ceiling=8.0))
    assert [stage.phase for stage in stages] == ["calm"] * 2 + ["up"] * 7 + ["long"]
    assert [stage.index for stage in stages] == list(range(10))
    for before, after in pairwise(stages):
        assert after.start_s == before.end_s
    assert stages[8].repeat_of == 5, "the level it returns to, as the whole run counts"


def test_what_climbed_is_measured_once_before_the_part_that_needs_it() -> None:
    stages, asked = played(Measured(0, "found", ceiling=8.0))
    assert asked == [9]
    assert (stages[-1].calls_to, stages[-1].note) == (
        6,
        "75% of the ceiling of 8 calls (measured in this run)",
    )


def test_a_measurement_that_told_nothing_is_no_ceiling_and_the_stage_says_so() -> None:
    stages, _ = played(Measured(0, "unknown", why="it took too long"))
    assert (stages[-1].calls_to, stages[-1].note) == (
        10,
        "10 calls, since no ceiling is known: it took too long",
    )


def test_a_part_sees_only_its_own_stages_and_ends() -> None:
    early = replace(level(0, "up", 0.0, 10.0, 8), repeat_of=0)
    later = level(1, "calm", 10.0, 10.0, 2)
    sequence = Sequence((SEQUENCE.parts[1], SEQUENCE.parts[0]))
    stages = (StageFinding(early), StageFinding(later, ends_before=100))
    assert sequence.next_stages(Findings(stages, natural_ends=103)) is not None
    assert sequence.next_stages(Findings(stages, natural_ends=104)) is None


@pytest.mark.parametrize(
    ("measured", "earlier", "ceiling"),
    [
        (Measured(1, "found", ceiling=30.0), EARLIER, Ceiling(30, "measured in this run")),
        (Measured(1, "found", ceiling=0.0), EARLIER, EARLIER),
        (Measured(1, "unknown", why="no turn"), None, Ceiling(None, "no turn")),
        (None, EARLIER, EARLIER),
        (None, None, Ceiling(None, "nothing was measured in this run")),
    ],
)
def test_this_runs_ceiling_comes_before_an_earlier_runs(
    measured: Measured | None, earlier: Ceiling | None, ceiling: Ceiling
) -> None:
    assert ceiling_of(Findings(measured=measured), earlier) == ceiling
