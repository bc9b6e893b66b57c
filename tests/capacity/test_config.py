"""The agent's YAML is read whole or refused in one line that says what to change."""

from pathlib import Path

import pytest

from otel_voiceload.capacity.config import AgentConfig, load_agent_config, parse_agent_config
from otel_voiceload.capacity.faults import Autoscale, Drop
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.errors import ConfigError

WHOLE = """
seed: 1
components:
  stt: {latency: {median: 100ms, p95: 170ms}, hold: 1.0, capacity: 60, over_capacity: queue}
  llm: {latency: {median: 200ms, p95: 350ms}, hold: 2.0, capacity: 8, queue_limit: 200}
  tts: {latency: {median: 100ms, p95: 180ms}, hold: 1.5, capacity: 60,
        over_capacity: reject, retry_after: 1s}
network: {delay: 20ms, jitter: 5ms}
endpointing: 200ms
greeting: true
reply: {median: 3s, p95: 6s}
faults: []
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_file_is_read(tmp_path: Path) -> None:
    config = load_agent_config(write(tmp_path, WHOLE))
    assert config.components.llm.latency == Lognormal(0.2, 0.35)
    assert config.components.llm.queue_limit == 200
    assert config.components.tts.over_capacity == "reject"
    assert (config.network.delay, config.network.jitter) == (0.02, 0.005)
    assert config.endpointing == 0.2
    assert config.reply == Lognormal(3.0, 6.0)


def test_the_documented_file_differs_from_no_file_only_in_the_network(tmp_path: Path) -> None:
    documented = load_agent_config(write(tmp_path, WHOLE))
    empty = load_agent_config(write(tmp_path, ""))
    assert documented.model_copy(update={"network": empty.network}) == empty == AgentConfig()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("components: {llm: {capacity: 8}}", "components.llm.latency: Field required"),
        ("componets: {}", "componets: Extra inputs"),
        ("endpointing: fast", "endpointing: 'fast' is not a length of time"),
        ("endpointing: -1", "endpointing: -1 is not a length of time"),
        ("reply: {median: 3s, p95: 1s}", "reply: p95 1.0 s must be at least the median"),
        ("reply: 3s", "must be written as {median: 200ms, p95: 350ms}"),
        ("reply: {median: [1], p95: 2s}", "is not a length of time"),
        ("faults: [gremlins]", "unknown fault 'gremlins'; known are drop, talk_over"),
        (
            "faults: [autoscale: {component: llm, add: 4, lag: 20s, max_capacity: 16}]",
            "faults.0: write it as"
            " {name: autoscale, component: llm, add: 4, lag: 20s, max_capacity: 16}",
        ),
        ("faults: [{share: 2}]", "a fault without a name: write drop, or {name: drop"),
        ("faults: [drop: 0.5]", "write it as {name: drop}"),
        ("faults: [{name: drop, share: 2}]", "less than or equal to 1"),
        ("faults: [drop, drop]", "fault drop is given twice"),
        (
            "components: {tts: {latency: {median: 1s, p95: 2s}, capacity: 1, "
            "over_capacity: reject, queue_limit: 5}}",
            "queue_limit has no meaning",
        ),
        (
            "components: {tts: {latency: {median: 1s, p95: 2s}, capacity: 1, hold: 0.5}}",
            "components.tts.hold: Input should be greater than or equal to 1",
        ),
        ("[1, 2]", "must be a mapping"),
        ("a: [1", "not YAML at line"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load_agent_config(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "\n" not in message


def test_all_faults_of_a_file_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"seed: .*; endpointing: "):
        parse_agent_config({"seed": "x", "endpointing": "y"}, "agent.yaml")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "agent.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"agent\.yaml: .*name a YAML file"):
        load_agent_config(path)


def test_a_fault_is_given_by_name_or_with_its_parameters() -> None:
    config = parse_agent_config(
        {"faults": ["drop", {"name": "autoscale", "component": "tts", "lag": "3s"}]}, "agent.yaml"
    )
    assert config.faults == (Drop(), Autoscale(component="tts", lag=3.0))
    assert config.autoscale_of("tts") == Autoscale(component="tts", lag=3.0)
    assert config.autoscale_of("llm") is None
