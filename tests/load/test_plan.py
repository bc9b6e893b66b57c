from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.load.plan import (
    WorkerConfig,
    call_options,
    call_setup,
    new_call,
    scenario_of,
    transport_of,
)
from otel_voiceload.load.safety import AllowList
from otel_voiceload.model import LoadContext
from otel_voiceload.transports.ticker import FrameTicker

from .echo import SCENARIO

OTHER = SCENARIO.model_copy(update={"name": "other"})
CONFIG = WorkerConfig(
    run_id="run",
    target="ws://127.0.0.1:9",
    scenarios=((SCENARIO, 3.0), (OTHER, 1.0)),
    seed=1,
    turn_cycle_s=2.0,
    headers={"authorization": "secret"},
)


def test_scenarios_are_drawn_by_weight_and_the_same_again() -> None:
    drawn = [scenario_of(CONFIG, index).name for index in range(400)]
    assert drawn == [scenario_of(CONFIG, index).name for index in range(400)]
    assert 60 < drawn.count("other") < 140
    assert scenario_of(replace(CONFIG, scenarios=((OTHER, 1.0),)), 5) is OTHER


def test_a_call_follows_from_the_run_and_its_index() -> None:
    setup = call_setup(
        replace(CONFIG, trace_sample=0.5),
        FrameTicker(),
        lambda record: None,
        lambda: LoadContext("p", 0, 1, 1),
        lambda error: None,
    )
    config = replace(CONFIG, trace_sample=0.5)
    calls = [new_call(config, setup, index, 0).identity for index in range(100)]
    again = [new_call(config, setup, index, 0).identity for index in range(100)]
    assert calls == again
    assert [call.call_index for call in calls] == list(range(100))
    assert 25 < sum(call.sampled for call in calls) < 75
    assert all(call.scenario == scenario_of(config, call.call_index).name for call in calls)


def test_the_options_go_to_the_targets_transport_with_the_allow_list() -> None:
    options = call_options(CONFIG)
    assert options.url == "ws://127.0.0.1:9"
    assert options.allow_address == AllowList()
    with pytest.raises(UsageError, match="gopher"):
        transport_of(replace(CONFIG, target="gopher://x"))


def test_a_config_travels_to_another_process_and_shows_no_secret() -> None:
    assert pickle.loads(pickle.dumps(CONFIG)) == CONFIG
    assert "secret" not in repr(CONFIG)


def test_problems_are_all_told_at_once() -> None:
    assert CONFIG.problems() == []
    wrong = replace(CONFIG, scenarios=(), trace_sample=2.0, max_connect_rate=0.0)
    assert len(wrong.problems()) == 3
