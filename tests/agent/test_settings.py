"""The agent's settings come from a file or a plant, with the flags on top."""

from pathlib import Path

import pytest

from otel_voiceload.agent.settings import Wishes, parse_cycle, parse_plant, settle
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.faults import Drop
from otel_voiceload.capacity.knee import PLANT_REPLY
from otel_voiceload.errors import ConfigError, UsageError
from tests.agent.world import PACK

DEMO = parse_cycle("speech=1.2s,think=200ms")


def test_without_wishes_it_is_the_default_agent() -> None:
    config, knee = settle(Wishes(), PACK)
    assert config == AgentConfig()
    assert knee.component == "llm"
    assert knee.cycle_s == pytest.approx(7, abs=0.7)


@pytest.mark.parametrize("component", ["stt", "llm", "tts"])
def test_a_plant_bends_where_it_was_asked_with_the_replies_that_are_really_said(
    component: str,
) -> None:
    config, knee = settle(Wishes(plant=f"{component}:48", cycle=DEMO), PACK)
    assert (knee.component, round(knee.calls, 6)) == (component, 48)
    assert config.reply == PLANT_REPLY
    assert not config.greeting
    assert knee.cycle_s == pytest.approx(3.2, abs=0.2)


def test_a_known_reply_length_wins_over_the_packs() -> None:
    _, guessed = settle(Wishes(cycle=DEMO), PACK)
    _, known = settle(Wishes(cycle=parse_cycle("speech=1.2s,think=200ms,reply=1s")), PACK)
    assert guessed.cycle_s - known.cycle_s > 1.5


def test_flags_go_on_top_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("seed: 5\nendpointing: 300ms\nfaults: [leak]\n", encoding="utf-8")
    wishes = Wishes(config_file=path, seed=9, capacities=(("llm", 3),), faults=("drop",))
    config, _ = settle(wishes, PACK)
    assert (config.seed, config.endpointing, config.components.llm.capacity) == (9, 0.3, 3)
    assert config.faults[1] == Drop()
    assert config.components.stt == AgentConfig().components.stt


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (Wishes(capacities=(("llm", 0),)), "components.llm.capacity"),
        (Wishes(faults=("gremlins",)), "unknown fault 'gremlins'"),
        (Wishes(faults=("drop", "drop")), "fault drop is given twice"),
    ],
)
def test_impossible_flags_are_refused(wishes: Wishes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settle(wishes, PACK)


def test_a_file_and_a_plant_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        settle(Wishes(config_file=Path("agent.yaml"), plant="none"), PACK)


@pytest.mark.parametrize(
    ("text", "plant"),
    [("llm:48", ("llm", 48)), ("tts", ("tts", 48)), ("none", ("none", 48))],
)
def test_a_plant_is_a_component_and_its_calls(text: str, plant: tuple[str, int]) -> None:
    assert parse_plant(text) == plant


def test_a_plant_without_a_number_of_calls_is_refused() -> None:
    with pytest.raises(UsageError, match="can not plant 'llm:many'"):
        parse_plant("llm:many")


@pytest.mark.parametrize(
    ("text", "words"),
    [("speech=fast", "speech: 'fast' is not a length"), ("sleep=1s", "'sleep' is none of speech")],
)
def test_a_wrong_cycle_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_cycle(text)
