"""Resources from what was sampled to the report: a level of two calls, one of eight, two again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_voiceload.model import MachineUsage, Record, Usage
from otel_voiceload.reports.build import build_report
from otel_voiceload.reports.build_resources import resources
from otel_voiceload.reports.report import Report, ResourceLevel
from otel_voiceload.store.open import open_store
from tests.reports.published import hold_to_schema
from tests.store import records
from tests.store.builder import write_run
from tests.store.records import at

MB = 1_000_000
HELD = ((2, 60), (8, 120), (2, 180))  # calls, until


def made() -> list[Record]:
    stages: list[Record] = []
    calls: list[Record] = []
    used: list[Record] = []
    start_s = 0
    for index, (held, until_s) in enumerate(HELD):
        stages.append(records.level_stage(start_s, until_s, held, index))
        for number in range(held):
            who = records.identity(1 + 10 * index + number)
            calls += [
                records.call_start(who, start_s),
                records.call(who, start_s, until_s),
            ]
        for second in range(start_s + 1, until_s):
            leak = 40 * MB if index == 2 else 0
            used += [
                Usage("generator", "worker-0", 7, at(second), 0.1 + 0.02 * held, 50 * MB, 20, 3),
                Usage("generator", "worker-1", 8, at(second), 0.1 + 0.02 * held, 50 * MB, 20, 3),
                Usage("target", "target", 9, at(second), 0.05 * held, 90 * MB + leak, 10, 3),
                MachineUsage(at(second), 32e3 * held, 33e3 * held, None),
            ]
        start_s = until_s
    run = records.run(end_mono_ns=at(180), machine_cores=4, machine_memory_bytes=1000 * MB)
    return [run, *stages, *calls, *used]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    path = write_run(tmp_path_factory.mktemp("used") / "run.duckdb", made(), records.RUN)
    with open_store(path) as reading:
        yield build_report(reading, records.RUN)


def of(report: Report, role: str) -> list[ResourceLevel]:
    return [level for level in report["resources"]["levels"] if level["role"] == role]


def test_each_level_says_what_generator_and_target_took_in_the_order_of_the_run(
    report: Report,
) -> None:
    hold_to_schema(report)
    own, target = of(report, "generator"), of(report, "target")
    assert [level["calls"] for level in own] == [level["calls"] for level in target] == [2, 8, 2]
    assert [level["at_s"] for level in own] == sorted(level["at_s"] for level in own)
    assert [level["cpu"] for level in own] == pytest.approx([0.28, 0.52, 0.28]), "both workers"
    assert [level["rss_bytes"] for level in own] == [100 * MB] * 3
    assert [level["sent_bytes_per_s"] for level in own] == pytest.approx([64e3, 256e3, 64e3])
    assert [level["cpu"] for level in target] == pytest.approx([0.1, 0.4, 0.1])
    assert [level["rss_bytes"] for level in target] == [90 * MB, 90 * MB, 130 * MB], "it stayed"
    assert {level["gc_share"] for level in target} == {None}, "nobody told"


def test_a_call_more_has_its_price_and_the_machine_its_ceiling(report: Report) -> None:
    found = report["resources"]
    assert (found["machine_cores"], found["machine_memory_bytes"]) == (4, 1000 * MB)
    costs = {cost["process"]: cost for cost in found["per_call"]}
    assert costs["worker"]["cpu_per_call"] == pytest.approx(0.04, rel=0.02), "workers together"
    assert costs["worker"]["cpu_idle"] == pytest.approx(0.2, rel=0.02)
    assert costs["machine"]["received_bytes_per_s_per_call"] == pytest.approx(33e3, rel=0.02)
    ceilings = {each["role"]: each for each in found["ceilings"]}
    assert ceilings["generator"]["cpu_calls"] == pytest.approx(95, rel=0.03), "(4 - 0.2) / 0.04"
    assert ceilings["target"]["cpu_calls"] == pytest.approx(80, rel=0.03), "4 / 0.05"


def test_a_run_at_which_nobody_looked_has_no_resources() -> None:
    class Nothing:
        def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
            return []

    facts = {"machine_cores": None, "machine_memory_bytes": None}
    assert resources(Nothing(), "run", facts) == {
        "machine_cores": None,
        "machine_memory_bytes": None,
        "per_call": [],
        "ceilings": [],
        "levels": [],
    }
