"""Causes from whole runs in virtual time, and what counts as the target's own machine."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from otel_voiceload.analysis import inflection
from otel_voiceload.analysis.cause import Process
from otel_voiceload.analysis.inflection import Candidate
from otel_voiceload.analysis.levels import gather
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import CallerModel, SimulatedRun, simulate
from otel_voiceload.model import Stage
from otel_voiceload.reports.build_causes import grounds
from tests.accuracy.quick_store import QuickStore

RUN = "r"
FACTS: Mapping[str, object] = {"machine_cores": 4, "machine_memory_bytes": 1000}
LEVELS = ((5, 12), (10, 12), (20, 12), (40, 12), (80, 12), (10, 12))


@pytest.fixture(scope="module")
def store() -> QuickStore:
    return QuickStore()


def first_of(store: QuickStore, **llm: object) -> Candidate:
    """What is named first of a run whose llm is full at 20 calls."""
    callers = CallerModel()
    config = solve_plant("llm", 20, callers.cycle())
    part = config.components.llm.model_copy(update=llm)
    parts = config.components.model_copy(update={"llm": part})
    stages = []
    for index, (calls, seconds) in enumerate(LEVELS):
        start_s = stages[-1].end_s if stages else 0.0
        stages.append(Stage(index, "ramp", start_s, seconds, calls, calls))
    config = config.model_copy(update={"components": parts})
    records = simulate(stages, config, callers, seed=5, run=SimulatedRun(RUN))
    names = ("level_blocks", "level_cells", "level_throughput", "turn_cycles")
    with store.open(records, RUN) as reading:
        evidence = gather(*(reading.arrays(name, run_id=RUN) for name in names))
        found = inflection.find(evidence, grounds(reading, RUN, FACTS)).components
    assert found.candidates[0].component == "llm"
    return found.candidates[0]


@pytest.mark.parametrize(
    ("llm", "cause", "says"),
    [
        ({}, "pool", "hard cap near 6 at once"),
        ({"over_capacity": "reject", "retry_after": 0.5}, "provider_limit", "attempts a turn at"),
        ({"over_capacity": "share"}, "provider_slow", "and none refused"),
    ],
)
def test_a_planted_limit_is_told_by_its_kind(
    store: QuickStore, llm: dict[str, object], cause: str, says: str
) -> None:
    first = first_of(store, **llm)
    assert first.cause == cause
    assert says in "; ".join(first.cause_evidence)


class Told:
    """Answers as a store gives them; only the target's resources are filled in."""

    def __init__(self, source: str) -> None:
        self.source = source

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
        if name != "resource_levels":
            return []
        row = {"level_no": 2, "calls": 40.0, "cpu": 1.5, "rss_bytes": 900, "source": self.source}
        return [{**row, "role": "target"}, {**row, "role": "generator"}]


@pytest.mark.parametrize(("source", "cores"), [("sampled", 4), ("otlp", None)])
def test_only_a_target_that_was_seen_here_has_the_size_of_this_machine(
    source: str, cores: int | None
) -> None:
    found = grounds(Told(source), RUN, FACTS)
    assert found.target == [Process(2, 40.0, 1.5, 900)]
    assert found.cores == cores
    assert (found.memory_bytes is None) == (cores is None)
