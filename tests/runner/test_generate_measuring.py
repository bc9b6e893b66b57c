"""What a run does between its stages: measuring, saying why, and ending after so many calls."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from otel_voiceload.load.messages import Finish
from otel_voiceload.model import Progress, RunRecord, StageRecord
from otel_voiceload.profiles import Measured, Request
from otel_voiceload.runner.stage_log import HELD
from tests.runner.fakes import Ask, Patience, ScriptedFleet
from tests.runner.test_generate import PLAN, THIRD, TWO, health, interrupt, play, stages_of

FOUND = Measured(0, "found", "llm", 24, 20, 28, 18)


def test_a_profile_that_needs_a_measurement_gets_it_and_the_level_is_held_meanwhile() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()
    profile = Ask([TWO, (replace(THIRD, index=5, start_s=9.5),), None], wants=(2,))
    measuring = Patience(FOUND, polls=4)

    outcome = play(profile, fleet, said, measuring=lambda: measuring)

    assert outcome.stop_reason == "duration"
    held = [record.stage for record in fleet.recorded if isinstance(record, StageRecord)][4:-2:2]
    assert [(s.start_s, s.calls_from, s.calls_to, s.note) for s in held] == [
        (5.0, 4, 4, HELD),
        (6.5, 4, 4, HELD),
        (8.0, 4, 4, HELD),
    ]
    assert profile.asked[1].measured == replace(FOUND, stages=5), "the pieces it was held are known"
    assert stages_of(fleet)[-1] == (5, 9.5, 13.5)
    assert measuring.closed
    assert (
        "measured so far: llm is full at 24 calls (20 to 28); 18 calls are carried"
        in said.getvalue()
    )


def test_a_measurement_that_failed_is_a_finding_too() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()
    profile = Ask([TWO, None], wants=(2,))

    play(profile, fleet, said)

    measured = profile.asked[1].measured
    assert measured is not None
    assert (measured.status, measured.stages) == ("unknown", 2)
    assert "measured nothing: nothing is measured in tests" in said.getvalue()


def test_a_run_that_is_stopped_while_it_is_measured_leaves_no_measurement_behind() -> None:
    fleet = ScriptedFleet()
    fleet.at(6.0, interrupt)
    measuring = Patience(FOUND, polls=100)

    outcome = play(Ask([TWO, None], wants=(2,)), fleet, measuring=lambda: measuring)

    assert outcome.stop_reason == "user"
    assert measuring.closed


def test_why_a_load_is_what_it_is_is_said_when_it_begins() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()

    play(Ask([TWO, (replace(THIRD, note="a small step"),), None]), fleet, said)

    assert "steady, 8 calls: a small step" in said.getvalue()


@pytest.mark.parametrize("dropped", [0, 2])
def test_a_run_of_so_many_calls_ends_when_they_have_ended(dropped: int) -> None:
    fleet = ScriptedFleet()
    plan = replace(PLAN, request=Request(calls=5, total_calls=5))
    began = replace(health(fleet), dropped_starts=dropped)
    fleet.at(1.0, lambda: Progress(began, 5 - dropped))
    fleet.at(2.0, lambda: Progress(health(fleet), 0, {"completed": 5 - dropped}))

    outcome = play(Ask([TWO, None]), fleet, plan=plan)

    assert outcome.stop_reason == "target_reached"
    assert fleet.words(Finish) == [pytest.approx(2.0, abs=0.11)]
    assert fleet.closed is not None
    last = fleet.closed[0]
    assert isinstance(last, RunRecord)
    assert last.starts_dropped == dropped
