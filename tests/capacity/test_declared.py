from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.capacity.declared import Limits, load_plan_file
from otel_voiceload.capacity.plan_file import KEYS, PlanFile
from otel_voiceload.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "limits.yaml"
TEXT = """
limits:
  stt: {streams: 100}
  llm: {concurrent: 48, requests_per_minute: 500, tokens_per_minute: 200_000}
  sip: {calls_per_second: 0.5}
assumptions:
  call: {turn_cycle: 7s, length: 3m30s}
  llm: {system_prompt_tokens: 1500, history_turns: 6}
  wire: twilio
"""


def test_what_is_declared_is_told_with_service_and_key(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(TEXT)
    file = load_plan_file(path)

    assert file.limits == {
        ("stt", "streams"): 100,
        ("llm", "concurrent"): 48,
        ("llm", "requests_per_minute"): 500,
        ("llm", "tokens_per_minute"): 200_000,
        ("sip", "calls_per_second"): 0.5,
    }
    assert file.assumptions == {
        "call.turn_cycle": 7.0,
        "call.length": 210.0,
        "llm.system_prompt_tokens": 1500.0,
        "llm.history_turns": 6,
        "wire": "twilio",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits: {llm: {token_per_minute: 1}}", "did you mean tokens_per_minute?"),
        ("limits: {llm: {streams: 1}}", "nothing is called 'limits.llm.streams'"),
        ("limits: {stt: {concurrent: 0}}", "greater than 0"),
        ("limits: {stt: {concurrent: -4}}", "greater than 0"),
        ("limits: {stt: {concurrent: true}}", "valid number"),
        ("limits: {stt: {concurrent: .inf}}", "finite number"),
        ("assumptions: {llm: {busy: 0s}}", "greater than 0"),
        ("assumptions: {llm: {busy: soon}}", "'soon' is not a length of time"),
        ("assumptions: {wire: sip}", "'plain', 'twilio' or 'g711_rtp'"),
        ("assumptions: {call: {turns: 0}}", "greater than or equal to 1"),
        ("limit: {}", "did you mean limits?"),
    ],
)
def test_what_can_not_be_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError) as error:
        load_plan_file(path)

    assert said in str(error.value)
    assert "line 1" in str(error.value)


def test_the_example_of_the_documents_can_be_read() -> None:
    file = load_plan_file(EXAMPLE)

    assert file.limits["llm", "concurrent"] == 48
    assert file.assumptions["llm.history_turns"] == 12


def test_the_file_takes_the_limits_that_are_known_and_no_others() -> None:
    taken = {
        service: tuple(type(part.default).model_fields)
        for service, part in Limits.model_fields.items()
    }

    assert taken == dict(KEYS)


def test_an_empty_file_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text("limits:\n  llm:\n")

    assert load_plan_file(path) == PlanFile()
