"""The names of faults are those that the union really knows."""

import pytest

from otel_voiceload.capacity.config import parse_agent_config
from otel_voiceload.capacity.faults import FAULT_NAMES
from otel_voiceload.errors import ConfigError


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_named_fault_can_be_asked_for_without_parameters(name: str) -> None:
    (fault,) = parse_agent_config({"faults": [name]}, "agent.yaml").faults
    assert fault.name == name


def test_a_quota_is_shared_by_two() -> None:
    fault = {"name": "shared_quota", "component": "llm", "other": "llm"}
    with pytest.raises(ConfigError, match="llm can not share a quota with itself"):
        parse_agent_config({"faults": [fault]}, "agent.yaml")
