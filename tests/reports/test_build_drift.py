"""Drift from a hold in the store to the report: a simulated soak beside which memory grows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import NS_PER_S, MachineUsage, Record, Stage, Usage
from otel_voiceload.reports import build_drift
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.report import Drift, Report
from otel_voiceload.store.open import open_store
from tests.reports.published import hold_to_schema
from tests.store.builder import write_run

RUN = "20270115T080000-soak"
HOLD_S = 600
MB = 1_000_000


def records() -> list[Record]:
    callers = CallerModel()
    config = solve_plant("llm", 24, callers.cycle(), seed=1)
    run = SimulatedRun(run_id=RUN, profile="soak")
    made: list[Record] = [
        *simulate([Stage(0, "soak", 0.0, HOLD_S, 8, 8)], config, callers, seed=1, run=run)
    ]
    for second in range(1, HOLD_S):
        at_ns = run.start_mono_ns + second * NS_PER_S
        for role, process, rss, fds in (
            ("target", "target", (500 + second) * MB, 20),  # a leak of a megabyte a second
            ("generator", "worker-0", 200 * MB, 20 + second),  # and one of a file a second
            ("generator", "runner", 100 * MB, 20),
        ):
            sockets = {"127.0.0.1:8765": 8}
            made.append(Usage(role, process, 7, at_ns, 0.5, rss, fds, 3, sockets, 4096))
        made.append(MachineUsage(at_ns, 1.0, 1.0, None, 8000 * MB, (50_000 - 50 * second) * MB))
    return made


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    path = tmp_path_factory.mktemp("soak") / "run.duckdb"
    options = ReportOptions(thresholds=parse("target_memory: max<2GB"))
    with open_store(write_run(path, records(), RUN)) as reading:
        yield build_report(reading, RUN, options)


def entry(report: Report, metric: str) -> Drift:
    (found,) = [each for each in report["drift"] if each["metric"] == metric]
    return found


def test_a_leak_of_the_target_is_told_with_the_time_that_is_left(report: Report) -> None:
    leak = entry(report, "target_memory")
    assert (leak["verdict"], leak["limit"], leak["limit_of"]) == ("rising", 2e9, "promised")
    assert leak["per_hour"] == pytest.approx(3600 * MB, rel=0.01)
    assert leak["exhausted_in_s"] == pytest.approx(2000 - 500 - HOLD_S, rel=0.05)
    assert leak["calls"] == 8
    assert leak["hold_s"] == pytest.approx(HOLD_S * 0.85, rel=0.02)


def test_what_stays_the_same_does_not_drift(report: Report) -> None:
    own = entry(report, "generator_memory")
    assert own["verdict"] == "steady"
    assert own["level"] == 300 * MB, "all processes of the generator together"
    still = ("no_response", "target_fds", "target_sockets", "target_cpu", "generator_cpu")
    assert {entry(report, metric)["verdict"] for metric in still} == {"steady"}


def test_files_are_counted_against_what_the_fullest_process_may_open(report: Report) -> None:
    used = entry(report, "generator_fds_used")

    assert (used["verdict"], used["limit"], used["limit_of"]) == ("rising", 1.0, "open files")
    assert used["per_hour"] == pytest.approx(3600 / 4096, rel=0.01)
    assert used["exhausted_in_s"] == pytest.approx(4096 - 20 - HOLD_S, rel=0.05)
    assert entry(report, "target_fds_used")["verdict"] == "steady"


def test_a_disk_that_fills_up_is_told_with_the_time_that_is_left(report: Report) -> None:
    disk = entry(report, "machine_disk_free")

    assert (disk["verdict"], disk["limit"], disk["limit_of"]) == ("falling", 0.0, "disk")
    assert disk["exhausted_in_s"] == pytest.approx(1000 - HOLD_S, rel=0.1)
    assert disk["exhausted_at_least_s"] == pytest.approx(1000 - HOLD_S, rel=0.1)
    assert entry(report, "machine_memory_free")["verdict"] == "steady"


def test_latency_and_each_components_own_time_are_looked_at(report: Report) -> None:
    found = {each["metric"] for each in report["drift"]}
    assert {"turn_latency", "stt", "llm", "tts", "unattributed"} <= found
    assert all(
        entry(report, metric)["verdict"] in ("steady", "unknown")
        for metric in ("turn_latency", "stt", "llm", "tts")
    )
    hold_to_schema(report)


def test_a_run_without_a_soak_has_no_drift(tmp_path: Path) -> None:
    class Nothing:
        def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
            return []

    assert build_drift.drifts(Nothing(), "run", ()) == []


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("turn_latency: p50<1s", 1.0),
        ("turn_latency{phase:soak}: p50<700ms", 0.7),
        ("turn_latency: p95<2s", None),
        ("turn_latency{phase:spike}: p50<1s", None),
        ("turn_latency: p50<2x baseline", None),
        ("greeting: p50<1s", None),
    ],
)
def test_a_limit_is_what_the_user_promised_of_the_same_figure(
    written: str, limit: float | None
) -> None:
    class Rising:
        def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
            if name != "drift_blocks":
                return []
            return [
                {
                    "metric": "turn_latency",
                    "unit": "s",
                    "at_s": 300.0 * block,
                    "value": 0.5 + 0.01 * block,
                    "samples": 50,
                    "calls": 8.0,
                    "hold_s": 3600.0,
                }
                for block in range(12)
            ]

    (found,) = build_drift.drifts(Rising(), "run", parse(written))
    assert (found["verdict"], found["limit"]) == ("rising", limit)
    assert (found["exhausted_in_s"] is None) == (limit is None)


def test_the_headline_tells_what_of_the_target_rose(report: Report) -> None:
    assert "At the same load target memory rose" in report["headline"]
    assert "target memory" in report["next_step"]
