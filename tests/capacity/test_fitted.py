from __future__ import annotations

from math import isclose

import pytest

from otel_voiceload.capacity.fitted import fit
from otel_voiceload.capacity.knee import expected_knee
from otel_voiceload.capacity.measures import FittedCalls, FittedPart

CALLS = FittedCalls(cycle_s=4.0, unloaded_s=1.0, speech_s=1.2, reply_s=1.0, turns=4.0)
PARTS = {
    "stt": FittedPart(0.1, 0.15, 0.1),
    "llm": FittedPart(0.5, 0.7, 0.6, turns_per_s=12.0),
    "tts": FittedPart(0.1, 0.15, 0.2, turns_per_s=20.0),
}


def test_the_rate_and_the_cycle_are_kept_so_that_the_law_gives_the_same_calls() -> None:
    config, callers = fit(PARTS, CALLS)
    knee = expected_knee(config, callers.cycle())

    assert isclose(knee.cycle_s, 4.0, rel_tol=0.01)
    assert knee.component == "llm"
    for name, rate in (("llm", 12.0), ("tts", 20.0)):
        assert isclose(knee.per_component[name] / knee.cycle_s, rate, rel_tol=1e-6)
    assert knee.per_component["stt"] > 100_000


def test_servers_are_whole_and_as_many_as_work_holds() -> None:
    config, _ = fit(PARTS, CALLS)

    assert config.components.llm.capacity == 7  # 12 a second x 0.6 s
    assert config.components.tts.capacity == 4


def test_a_server_is_held_at_least_as_long_as_its_answer_takes() -> None:
    parts = {"llm": FittedPart(1.0, 1.0, 0.1, turns_per_s=3.5)}
    config, _ = fit(parts, CALLS)

    assert config.components.llm.capacity == 4
    assert isclose(config.components.llm.hold, 4 / 3.5)


def test_at_a_scale_fewer_servers_meet_fewer_calls() -> None:
    config, callers = fit(PARTS, CALLS, scale=2.0)
    knee = expected_knee(config, callers.cycle())

    assert isclose(knee.per_component["llm"] / knee.cycle_s, 6.0, rel_tol=1e-6)


def test_a_limit_per_minute_refuses_instead_of_queueing() -> None:
    config, _ = fit({"llm": FittedPart(0.5, 0.7, 0.6, 2.0, refuses=True)}, CALLS)

    assert config.components.llm.rate == 2.0
    assert config.components.llm.capacity == 1_000_000


@pytest.mark.parametrize("cycle_s", [0.5, 1.5, 2.5])
def test_parts_that_are_longer_than_the_cycle_give_way(cycle_s: float) -> None:
    calls = FittedCalls(cycle_s=cycle_s, unloaded_s=0.3, speech_s=2.0, reply_s=3.0, turns=1.0)
    config, callers = fit({}, calls)

    assert callers.turns_per_call == 2
    assert callers.speech.mean_s + config.reply.mean_s + callers.think.mean_s < cycle_s
