"""Late capacity, spike gaps and quota walls from simulated runs in the store to the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

import pytest

from otel_voiceload.capacity.config import AgentConfig, parse_agent_config
from otel_voiceload.capacity.simulate import SimulatedRecord, SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import NS_PER_S, Stage, TurnRecord
from otel_voiceload.reports import build_late
from otel_voiceload.reports.report import Spike
from otel_voiceload.reports.report_late import LateCapacity, QuotaWall, SpikeGap
from otel_voiceload.store.reading import Reading
from tests.accuracy import late_capacity as stories

RUN = stories.RUN


def agent(capacity: int = 500, autoscale: dict[str, object] | None = None) -> AgentConfig:
    latency = {"median": "300ms", "p95": "500ms"}
    part = {"latency": latency, "hold": 2.0, "capacity": capacity}
    wide = {"latency": {"median": "100ms", "p95": "150ms"}, "capacity": 500}
    faults = [{"name": "autoscale", "component": "llm", **autoscale}] if autoscale else []
    return parse_agent_config(
        {
            "components": {"stt": wide, "llm": part, "tts": wide},
            "greeting": False,
            "faults": faults,
        },
        "written",
    )


def played(stages: Iterable[Stage], config: AgentConfig) -> list[SimulatedRecord]:
    return simulate(tuple(stages), config, CallerModel(), run=SimulatedRun(run_id=RUN))


def opened(records: Iterable[SimulatedRecord]) -> Reading:
    return stories.store().open(records, RUN)


def test_servers_that_are_added_inside_a_level_are_seen_where_and_when() -> None:
    scaled = agent(3, {"add": 20, "lag": "50s", "max_capacity": 23})

    with opened(played(stories.held((6, 80), (12, 60), (60, 160)), scaled)) as reading:
        (late,) = build_late.autoscaling(reading, RUN)

    assert (late["component"], late["calls"], late["spike"]) == ("llm", 60, False)
    assert late["recovered_after_s"] == pytest.approx(60, abs=20)
    assert late["worse_s"] > 3 * late["usual_s"]
    assert late["after_s"] == pytest.approx(late["usual_s"], rel=0.2)


def test_a_plain_run_tells_of_no_late_capacity_and_no_quota() -> None:
    """Fifty seeds of eleven families are played by ``make accuracy-late``."""
    assert stories.plain("incident", "step4", 7001) == ([], [])


def jump(config: AgentConfig) -> tuple[list[LateCapacity], SpikeGap | None]:
    """A jump from 8 calls to 45, and then, step by step, 60."""
    stages = [*stories.held((8, 80)), Stage(1, "spike", 80.0, 120.0, 45, 45, at_once=True)]
    for index, calls in enumerate((8, 16, 30, 60), start=2):
        stages.append(Stage(index, "ramp", 120.0 + 40.0 * index, 40.0, calls, calls))
    with opened(played(stages, config)) as reading:
        spikes = [spike(row["stage_index"]) for row in reading.query("spikes", run_id=RUN)]
        late = build_late.autoscaling(reading, RUN)
        (told,) = build_late.with_intervals(reading, RUN, spikes)
        assert told["recovery_ci"] is not None
        return late, build_late.gap(reading, RUN, spikes, late, None)


def spike(stage_index: object) -> Spike:
    return {"stage_index": stage_index}  # type: ignore[typeddict-item]


def test_capacity_that_is_there_carries_a_jump_as_it_carries_a_climb() -> None:
    assert jump(agent(24)) == ([], None)


def test_a_jump_that_capacity_came_late_for_is_told_beside_the_climb_that_was_carried() -> None:
    late, gap = jump(agent(3, {"add": 20, "lag": "40s", "max_capacity": 23}))

    assert [(each["calls"], each["spike"]) for each in late] == [(45, True)]
    assert gap is not None
    assert (gap["climbed"], gap["jumped"], gap["carried_jump"]) == (60, 45, None)
    assert gap["p95_s"] > gap["limit_s"]
    assert gap["recovered_after_s"] == late[0]["recovered_after_s"]
    assert gap["before_climb"], "the climb found the servers that the jump had brought"


def refusing(
    records: Iterable[SimulatedRecord], when: Callable[[float], bool]
) -> list[SimulatedRecord]:
    """The same run with a language model that refuses what is asked of it at those times."""
    start_ns = SimulatedRun().start_mono_ns
    made: list[SimulatedRecord] = []
    for each in records:
        if isinstance(each, TurnRecord):
            parts = tuple(
                replace(part, error_type="rate_limited")
                if part.component == "llm" and when((part.start_mono_ns - start_ns) / NS_PER_S)
                else part
                for part in each.components
            )
            each = replace(each, components=parts)
        made.append(each)
    return made


@cache
def hold() -> tuple[SimulatedRecord, ...]:
    return tuple(played(stories.held((5, 30), (16, 230)), agent()))


def walls(when: Callable[[float], bool]) -> list[QuotaWall]:
    with opened(refusing(hold(), when)) as reading:
        started = reading.query("run_facts", run_id=RUN)[0]["started"]
        return build_late.quota_walls(reading, RUN, started)


def test_a_quota_that_runs_out_at_a_constant_load_is_told_with_when_and_how_many() -> None:
    (wall,) = walls(lambda at_s: at_s >= 160)

    assert (wall["component"], wall["kind"], wall["calls"]) == ("llm", "lasting", 16)
    assert wall["at_s"] == pytest.approx(160, abs=3)
    assert wall["error_type"] == "rate_limited"
    assert wall["requests"] > wall["last_minute"] > 80
    assert wall["at"] is not None


def test_a_quota_of_a_minute_is_known_by_its_walls() -> None:
    (wall,) = walls(lambda at_s: at_s % 60 >= 40)

    assert (wall["kind"], wall["period_s"]) == ("recurring", pytest.approx(60, abs=2))
    assert wall["walls"] >= 3
