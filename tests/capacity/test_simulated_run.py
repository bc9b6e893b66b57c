"""A simulated run names itself, and what can not be simulated is refused before it plays."""

import pytest

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.faults import SIMULATED_ONLY
from otel_voiceload.capacity.simulate import simulate
from otel_voiceload.capacity.simulated_run import SIMULATED_FAULTS, SimulatedRun, refuse_audible
from otel_voiceload.errors import ConfigError
from otel_voiceload.model import Stage


def test_a_fault_that_needs_audio_is_refused() -> None:
    config = AgentConfig.model_validate({"faults": ["talk_over"]})
    with pytest.raises(ConfigError, match="fault talk_over needs real audio"):
        refuse_audible(config)
    with pytest.raises(ConfigError, match="fault talk_over needs real audio"):
        simulate([Stage(0, "ramp", 0.0, 10.0, 1, 1)], config)


def test_what_only_a_simulation_can_tell_is_simulated() -> None:
    assert set(SIMULATED_ONLY) < set(SIMULATED_FAULTS)


def test_the_record_at_the_end_says_where_it_came_from() -> None:
    run = SimulatedRun("r1", profile="demo", planted="llm:48", start_mono_ns=5)

    record = run.record(seed=3, end_mono_ns=9, stop_reason="duration", starts_dropped=2)

    assert (record.run_id, record.target, record.wire) == ("r1", "sim:", "sim")
    assert (record.start_mono_ns, record.end_mono_ns, record.seed) == (5, 9, 3)
    assert (record.planted, record.starts_dropped) == ("llm:48", 2)
    assert not record.co_located
