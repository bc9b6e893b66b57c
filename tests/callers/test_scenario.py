"""Scenario files: the bundled ones, what users get wrong, and the figures taken from them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.scenario import (
    Scenario,
    bundled,
    load_scenario,
    scenario_hash,
)
from otel_voiceload.errors import ConfigError
from tests.callers.fakes import PACK, scenario

MINIMAL = """
name: mine
nodes:
  open:
    say: {intent: open}
    edges: [{go: done}]
  done: {end: resolution}
"""


def test_the_bundled_scenarios_are_there() -> None:
    assert bundled() == ("audio_only", "booking", "demo")


@pytest.mark.parametrize("name", bundled())
def test_each_bundled_scenario_loads_and_finds_its_clips(name: str) -> None:
    found = load_scenario(name)
    cycle = found.turn_cycle(ClipPack.load(PCM16_16K))
    assert found.name == name
    assert 0.9 < cycle.speech_s < 4.0
    reachable = {found.start}
    for _ in found.nodes:
        reachable |= {edge.go for node in reachable for edge in found.nodes[node].edges}
    assert reachable == set(found.nodes)
    assert any(found.nodes[node].end for node in reachable)


def test_the_demo_is_quick_enough_for_its_statistics() -> None:
    demo = load_scenario("demo")
    cycle = demo.turn_cycle(ClipPack.load(PCM16_16K))
    assert cycle.speech_s == pytest.approx(1.2, abs=0.05)
    assert cycle.think_s == pytest.approx(0.2, abs=0.02)
    assert (demo.max_turns, demo.reply_end_silence) == (4, 0.2)
    assert len([node for node in demo.nodes.values() if node.say]) == 4


def test_the_audio_only_scenario_needs_no_text() -> None:
    nodes = load_scenario("audio_only").nodes.values()
    assert all(edge.heard is None for node in nodes for edge in node.edges)


def test_a_users_file_is_loaded_with_defaults(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(MINIMAL)
    found = load_scenario(file)
    assert (found.name, found.patience, found.start) == ("mine", 8.0, "open")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nodes": {}}, "nodes"),
        ({"patience": "soon"}, "patience: 'soon' is not a length of time"),
        ({"patience": 100}, "patience <= turn_deadline"),
        ({"name": "../x"}, "name"),
        ({"colour": "red"}, "colour"),
        ({"think": {"median": 2, "p95": 1}}, "p95"),
        ({"nodes": {"a": {"end": "resolution"}}}, "first node"),
        ({"nodes": {"a": {"end": "bored"}}}, "nodes.a.end"),
        ({"nodes": {"a": {}}}, "either say or end"),
        ({"nodes": {"a": {"say": {"intent": "x"}}}}, "last edge"),
        ({"nodes": {"a": {"say": {"intent": "x"}, "edges": [{"go": "b"}]}}}, "b, which is no node"),
        (
            {"nodes": {"a": {"say": {"intent": "x"}, "edges": [{"heard": "(", "go": "a"}]}}},
            "no regular expression",
        ),
        (
            {
                "nodes": {
                    "a": {
                        "say": {"intent": "x"},
                        "edges": [{"heard": "x", "longer": 1, "go": "a"}, {"go": "a"}],
                    }
                }
            },
            "one condition",
        ),
        (
            {"nodes": {"a": {"say": {"intent": "x"}, "edges": [{"go": "a"}, {"go": "a"}]}}},
            "comes last",
        ),
        (
            {
                "nodes": {
                    "a": {"say": {"intent": "x"}, "edges": [{"go": "b"}]},
                    "b": {"end": "transfer", "edges": [{"go": "a"}]},
                }
            },
            "no edges",
        ),
    ],
)
def test_a_wrong_scenario_is_told_where(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(MINIMAL) | change, sort_keys=False))
    with pytest.raises(ConfigError) as caught:
        load_scenario(file)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a: [1, 2", "not YAML at line"),
        (b"\xff\xfe\xfa", "not YAML"),
        (b"a: &x [1]\nb: *x\n", "aliases"),
        (b"[" * 3000, "not YAML"),
        (b"just text", "mine.yaml"),
        (b"", "mine.yaml"),
        (b"# " + b"x" * 300_000, "bytes"),
    ],
)
def test_a_file_that_is_no_scenario_is_a_configuration_error(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_scenario(file)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scenario_that_is_not_there_names_the_bundled_ones() -> None:
    with pytest.raises(ConfigError, match="audio_only, booking, demo"):
        load_scenario("no-such-scenario")


def test_the_hash_follows_what_is_played_and_not_the_prose() -> None:
    one, other = scenario(), scenario(patience=5)
    assert scenario_hash([(one, 1.0)]) == scenario_hash([(scenario(), 1.0)])
    assert scenario_hash([(one, 1.0)]) == scenario_hash([(scenario(description="x"), 1.0)])
    assert scenario_hash([(one, 1.0)]) != scenario_hash([(other, 1.0)])
    assert scenario_hash([(one, 1.0)]) != scenario_hash([(one, 2.0)])
    mix = [(one, 1.0), (other, 2.0)]
    assert scenario_hash(mix) == scenario_hash(mix[::-1])
    assert len(scenario_hash(mix)) == 12


def test_the_turn_cycle_is_the_mean_over_the_nodes_that_speak() -> None:
    cycle = scenario().turn_cycle(PACK)
    assert cycle.speech_s == pytest.approx(0.5)
    assert cycle.think_s == pytest.approx(0.4)


def test_the_shortest_silence_of_a_node_is_known() -> None:
    edges = [{"silence": 5, "go": "a"}, {"silence": 3, "go": "a"}, {"go": "a"}]
    found = Scenario.model_validate(
        {"name": "x", "nodes": {"a": {"say": {"intent": "x"}, "edges": edges}}}
    )
    assert found.nodes["a"].silence_s == 3.0
