"""What slows an answer, and that nothing does where and when it should not."""

import pytest

from otel_voiceload.capacity.config import ServedComponent, parse_agent_config
from otel_voiceload.capacity.slowness import slowed_ns
from otel_voiceload.model import NS_PER_S

ONE_S = NS_PER_S


@pytest.mark.parametrize(
    ("fault", "component", "turn", "age_s", "waiting", "expected_s"),
    [
        ({"name": "leak", "per_minute": 0.5}, "llm", 1, 120, 0.0, 2.0),
        ({"name": "leak", "per_minute": 0.5}, "tts", 1, 120, 0.0, 1.0),
        ({"name": "cold", "extra": "400ms"}, "llm", 0, 5, 0.0, 1.4),
        ({"name": "cold", "extra": "400ms"}, "llm", 1, 5, 0.0, 1.0),
        ({"name": "incident", "at": 60, "lasting": 15, "factor": 4}, "llm", 1, 59.9, 0.0, 1.0),
        ({"name": "incident", "at": 60, "lasting": 15, "factor": 4}, "llm", 1, 60, 0.0, 4.0),
        ({"name": "incident", "at": 60, "lasting": 15, "factor": 4}, "llm", 1, 75, 0.0, 1.0),
        ({"name": "noisy", "component": "llm", "victim": "tts"}, "tts", 1, 5, 0.5, 1.5),
        ({"name": "noisy", "component": "llm", "victim": "tts"}, "tts", 1, 5, 9.0, 4.0),
        ({"name": "noisy", "component": "llm", "victim": "tts"}, "llm", 1, 5, 9.0, 1.0),
    ],
)
def test_a_fault_slows_its_component_in_its_time(
    fault: dict[str, object],
    component: ServedComponent,
    turn: int,
    age_s: float,
    waiting: float,
    expected_s: float,
) -> None:
    config = parse_agent_config({"faults": [fault]}, "test")
    slowed = slowed_ns(
        config,
        component,
        ONE_S,
        turn=turn,
        age_ns=round(age_s * ONE_S),
        waiting_sets=lambda name: waiting if name == "llm" else 0.0,
    )
    assert slowed == pytest.approx(expected_s * ONE_S)
