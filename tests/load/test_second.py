from __future__ import annotations

from dataclasses import replace

from otel_voiceload.load.second import Second
from otel_voiceload.model import Health
from tests.telemetry.records import call, turn

HEALTH = Health(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)


def test_natural_ends_are_told_by_scenario_and_other_ends_only_by_outcome() -> None:
    second = Second()
    ended = call()
    for scenario, outcome in (
        ("booking", "completed"),
        ("booking", "transferred"),
        ("demo", "completed"),
        ("demo", "dropped"),
    ):
        identity = replace(ended.call, scenario=scenario)
        second.take(replace(ended, call=identity, outcome=outcome))

    progress = second.progress(HEALTH)

    assert progress.natural_ends == {"booking": 2, "demo": 1}
    assert progress.calls_ended == {"completed": 2, "transferred": 1, "dropped": 1}


def test_turns_are_told_with_their_call_for_those_who_judge_meanwhile() -> None:
    second = Second()
    answered = turn()
    unanswered = replace(answered, outcome="no_response", first_audio_mono_ns=None)
    for record in (answered, unanswered, replace(unanswered, outcome="cut_off")):
        second.take(record)

    told = second.progress(HEALTH).turns

    call_index = answered.call.call_index
    assert told == ((call_index, 0.8, False), (call_index, unanswered.deadline_s, True))
