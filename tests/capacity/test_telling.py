"""What goes wrong in the telling changes the records and not the work."""

from __future__ import annotations

import pytest

from otel_voiceload.capacity.config import AgentConfig, parse_agent_config
from otel_voiceload.capacity.telling import told
from otel_voiceload.conventions import SOURCE_SIMULATED, Component
from otel_voiceload.model import ComponentRecord


def work(component: Component, start_ns: int) -> ComponentRecord:
    return ComponentRecord(
        component, 0, start_ns, start_ns + 10, start_ns + 20, 0.0, SOURCE_SIMULATED
    )


WORK = (work("stt", 100), work("llm", 110), work("tts", 120))


def config(**fault: object) -> AgentConfig:
    return parse_agent_config({"faults": [fault] if fault else []}, "test")


def starts(config: AgentConfig, call: str = "a", turn: int = 1) -> list[int]:
    return [each.start_mono_ns for each in told(config, 1, call, turn, WORK)]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({}, [100, 110, 120]),
        ({"name": "nested", "component": "tts"}, [100, 110, 100]),
        ({"name": "clock_skew", "component": "llm", "ahead": "1us"}, [100, 1110, 120]),
        ({"name": "lost_spans", "share": 1.0}, []),
        ({"name": "sampled", "share": 0.0}, []),
        ({"name": "sampled", "share": 1.0}, [100, 110, 120]),
    ],
)
def test_each_fault_of_telling(fault: dict[str, object], expected: list[int]) -> None:
    assert starts(config(**fault)) == expected


def test_a_call_is_sampled_whole_and_spans_are_lost_one_by_one() -> None:
    sampled = config(name="sampled", share=0.5)
    calls = {call: {len(starts(sampled, call, turn)) for turn in range(5)} for call in "abcdefgh"}
    assert {len(seen) for seen in calls.values()} == {1}
    assert {0, 3} == set.union(*calls.values())
    lost = config(name="lost_spans", share=0.5)
    assert {len(starts(lost, "a", turn)) for turn in range(20)} & {1, 2}
