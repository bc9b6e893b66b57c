"""The names of faults are those that the union really knows."""

import pytest

from otel_voiceload.capacity.config import parse_agent_config
from otel_voiceload.capacity.faults import FAULT_NAMES


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_every_named_fault_can_be_asked_for_without_parameters(name: str) -> None:
    (fault,) = parse_agent_config({"faults": [name]}, "agent.yaml").faults
    assert fault.name == name
