from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Measured, Request, StageFinding
from otel_voiceload.profiles.five_phase import Options

CYCLE_S = 2.0


def played(ceiling: float | None, **asked: Any) -> list[Stage]:
    request = Request(calls=40, pace=0.001, turn_cycle_s=CYCLE_S, **asked)
    options = Options.of(request)
    stages: list[Stage] = []
    known = None
    while True:
        found = tuple(StageFinding(stage) for stage in stages)
        findings = Findings(found, 30 * len(stages), measured=known)
        if options.needs_measure(findings):
            assert stages[-1].phase == "ramp", "measured once, when the ramp is over"
            known = Measured(len(stages), "found", ceiling=ceiling)
        more = options.next_stages(Findings(found, 30 * len(stages), measured=known))
        if more is None:
            return stages
        stages += more


def levels(stages: list[Stage]) -> dict[str, list[float]]:
    return {
        phase: [s.calls_to for s in group] for phase, group in groupby(stages, lambda s: s.phase)
    }


def test_each_phase_is_fed_with_what_was_found() -> None:
    assert levels(played(16.0)) == {
        "baseline": [10, 10, 10],
        "ramp": [5, 20, 40, 5],
        "spike": [3, 15, 3, 30, 3],
        "soak": [12],
        "scale": [5, 10, 20, 40],
    }


def test_a_target_that_does_not_bend_is_spiked_up_to_the_calls_asked_for() -> None:
    found = levels(played(40.0))
    assert found["spike"] == [4, 20, 4, 40, 4]
    assert found["soak"] == [30]


def test_without_a_ceiling_it_goes_on_with_what_is_known_and_says_so() -> None:
    stages = played(None)
    assert levels(stages)["spike"] == [4, 20, 4, 40, 4]
    (soak,) = [stage for stage in stages if stage.phase == "soak"]
    assert soak.calls_to == 10
    assert "no ceiling is known" in soak.note


def test_every_level_is_held_until_twenty_turns_can_be_counted() -> None:
    for stage in played(16.0):
        cycles = stage.duration_s / CYCLE_S
        counted = stage.calls_to * (cycles - 1.5) * 0.5
        assert cycles >= 4, stage
        assert counted >= 19.9, stage


def test_a_duration_is_the_soaks() -> None:
    options = Options.of(Request(calls=40, duration_s=600, turn_cycle_s=CYCLE_S))
    assert options._soak(Findings()).hold_s == 600  # type: ignore[attr-defined]  # as a soak has


@pytest.mark.parametrize("calls", [1, 3, 9, 10, 11])
def test_few_calls_are_five_phases_too(calls: int) -> None:
    options = Options.of(Request(calls=calls))
    assert options.problems() == []
    findings = Findings()
    while more := options.next_stages(findings):
        stages = (*findings.stages, *map(StageFinding, more))
        measured = Measured(len(stages), "not_reached", ceiling=float(calls))
        findings = Findings(stages, 1000, measured=measured)
    asked = [found.stage.calls_to for found in findings.stages]
    assert max(asked) == calls
    assert min(asked) >= 1
