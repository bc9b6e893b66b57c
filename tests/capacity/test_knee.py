"""The knee follows the operational law, and a plant puts it where it was asked."""

import pytest

from otel_voiceload.capacity.config import AgentConfig, parse_agent_config
from otel_voiceload.capacity.knee import TurnCycle, expected_knee, solve_plant
from otel_voiceload.errors import UsageError

DEMO = TurnCycle(speech_s=1.2, think_s=0.2)


def test_the_law_is_servers_times_cycle_over_busy() -> None:
    flat = {"median": "400ms", "p95": "400ms"}
    config = parse_agent_config(
        {
            "components": {
                "stt": {"latency": flat, "capacity": 100},
                "llm": {"latency": flat, "capacity": 8, "hold": 1.5},
                "tts": {"latency": flat, "capacity": 100},
            },
            "endpointing": "200ms",
            "network": {"delay": "50ms"},
        },
        "test",
    )
    # 3 speech + 0.2 endpointing + 2 x 0.05 network + 3 x 0.4 work + 2 reply + 0.5 think = 7 s
    knee = expected_knee(config, TurnCycle(speech_s=3, think_s=0.5, reply_s=2))
    assert knee.cycle_s == pytest.approx(7.0)
    assert knee.component == "llm"
    assert knee.calls == pytest.approx(8 * 7.0 / 0.6)
    assert knee.per_component["stt"] == pytest.approx(100 * 7.0 / 0.4)


def test_components_that_share_a_quota_fill_it_together() -> None:
    flat = {"median": "400ms", "p95": "400ms"}
    config = parse_agent_config(
        {
            "components": {
                "llm": {"latency": flat, "capacity": 8, "hold": 1.5},
                "tts": {"latency": flat, "capacity": 1, "hold": 2.0},
            },
            "faults": [{"name": "shared_quota", "component": "llm", "other": "tts"}],
        },
        "test",
    )
    knee = expected_knee(config, TurnCycle(speech_s=3, think_s=0.5, reply_s=2))
    assert knee.per_component["llm"] == pytest.approx(8 * knee.cycle_s / (0.6 + 0.8))
    assert knee.per_component["tts"] == knee.per_component["llm"]


def test_the_reply_length_comes_from_the_configuration_unless_it_is_known_better() -> None:
    known = TurnCycle(3, 0.5, reply_s=AgentConfig().reply.mean_s)
    drawn = TurnCycle(3, 0.5)
    assert known.mean_s(AgentConfig()) == pytest.approx(drawn.mean_s(AgentConfig()))


@pytest.mark.parametrize("component", ["stt", "llm", "tts"])
@pytest.mark.parametrize("calls", [24, 48, 100, 480])
def test_a_plant_bends_at_the_calls_it_was_asked_for(component: str, calls: int) -> None:
    config = solve_plant(component, calls, DEMO)
    knee = expected_knee(config, DEMO)
    assert knee.component == component
    assert knee.calls == pytest.approx(calls, rel=1e-9)
    planted = config.components.model_dump()[component]
    assert planted["capacity"] >= 6
    others = [at for name, at in knee.per_component.items() if name != component]
    assert min(others) >= 5 * calls


def test_the_demo_plant_answers_in_about_half_a_second() -> None:
    llm = solve_plant("llm", 48, DEMO).components.llm
    assert llm.latency.median_s == pytest.approx(0.5, rel=0.15)
    assert llm.latency.p95_s == pytest.approx(0.7, rel=0.15)
    assert (llm.hold, llm.over_capacity) == (1.0, "queue")


def test_planting_none_leaves_everything_ample() -> None:
    assert expected_knee(solve_plant("none", 48, DEMO), DEMO).calls > 5 * 48


@pytest.mark.parametrize(
    ("component", "calls", "words"),
    [
        ("gpu", 48, "can not plant a limit in 'gpu'; plant one of stt, llm, tts, none"),
        ("llm", 6, "6 servers or more, since fewer are slow .* plant it at .* calls or more"),
        ("llm", 0, "ask for 1 or more"),
    ],
)
def test_an_impossible_plant_says_what_is_possible(component: str, calls: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        solve_plant(component, calls, DEMO)


def test_the_least_plant_that_is_named_can_be_planted() -> None:
    with pytest.raises(UsageError) as refusal:
        solve_plant("llm", 7, DEMO)
    least = int(str(refusal.value).split("plant it at ")[1].split()[0])
    assert expected_knee(solve_plant("llm", least, DEMO), DEMO).calls == pytest.approx(least)


def test_a_negative_cycle_is_refused() -> None:
    with pytest.raises(UsageError, match="turn cycle: speech_s -1"):
        solve_plant("llm", 48, TurnCycle(speech_s=-1, think_s=0.2))


def test_the_text_names_the_component_its_calls_and_the_others() -> None:
    text = expected_knee(solve_plant("llm", 48, DEMO), DEMO).text()
    assert text.startswith("llm is full at 48 calls, with a turn every 3.")
    assert "stt" in text
    assert "tts" in text
