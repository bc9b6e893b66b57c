from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import NS_PER_S, Health, RunRecord, Stage
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.report import Report
from otel_voiceload.store.open import open_store
from tests.store.builder import write_run

RUN = "20270115T080000-phases"
# calls, seconds, phase, at once
LOAD = (
    (3, 30, "baseline", False),
    (3, 30, "spike", False),
    (30, 20, "spike", True),
    (3, 40, "spike", False),
    (6, 30, "soak", False),
)


def stages() -> list[Stage]:
    made: list[Stage] = []
    start_s = 0.0
    for index, (calls, lasts_s, phase, at_once) in enumerate(LOAD):
        made.append(Stage(index, phase, start_s, lasts_s, calls, calls, at_once=at_once))
        start_s += lasts_s
    made[-1] = replace(made[-1], note="75% of the ceiling of 8 calls (measured in this run)")
    return made


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    callers = CallerModel()
    config = solve_plant("llm", 14, callers.cycle(), seed=1)
    run = SimulatedRun(run_id=RUN, profile="five-phase", planted="")
    records = simulate(stages(), config, callers, seed=1, run=run)
    made = [
        replace(each, starts_dropped=4, peak_calls=6.0) if isinstance(each, RunRecord) else each
        for each in records
    ]
    calm = Health(0, 0, 3, 50, 0, 0.0, 0.001, 0.001, 0.0, 0.1, 0, 0)
    seconds = [
        replace(
            calm,
            at_mono_ns=run.start_mono_ns + second * NS_PER_S,
            dropped_starts=4 if second == stages()[-1].start_s + 2 else 0,
        )
        for second in range(1, 151)
    ]
    path = tmp_path_factory.mktemp("phases") / "run.duckdb"
    options = ReportOptions(
        thresholds=(
            *parse("turn_latency{phase:soak}: p50<60s"),
            *parse("turn_latency{phase:spike}: [p50<60s, p95<1ms]"),
        )
    )
    with open_store(write_run(path, [*made, *seconds], RUN)) as reading:
        yield build_report(reading, RUN, options)


def test_every_phase_has_its_figures_in_the_order_of_the_run(report: Report) -> None:
    phases = report["phases"]
    assert [p["phase"] for p in phases] == ["baseline", "spike", "soak"]
    assert [(p["stages"], p["calls_from"], p["calls_to"]) for p in phases] == [
        (1, 3, 3),
        (3, 3, 30),
        (1, 6, 6),
    ]
    calm, spike, _ = phases
    assert min(p["turns"] for p in phases) > 10
    assert (spike["p95_s"] or 0) > (calm["p95_s"] or 0)
    assert sum(p["turns"] for p in phases) == report["turn_latency"]["samples"]


def test_a_phase_has_the_worst_verdict_of_its_own_thresholds(report: Report) -> None:
    assert [p["verdict"] for p in report["phases"]] == [None, "fail", "pass"]
    by_user = {t["metric"]: t for t in report["thresholds"] if t["written_by_user"]}
    assert by_user["turn_latency{phase:soak}"].get("decides") is True


def test_why_a_load_was_what_it_was_and_what_found_no_place_is_said(report: Report) -> None:
    soak = report["phases"][-1]
    assert soak["note"].startswith("75% of the ceiling")
    assert soak["starts_dropped"] == 4
    assert any("4 arrivals" in reason for reason in report["run"]["validity_reasons"])


def test_a_spike_tells_how_fast_it_stood_and_when_it_was_over(report: Report) -> None:
    (spike,) = report["spikes"]
    assert (spike["calls_before"], spike["calls_asked"]) == (3, 30)
    assert spike["jump_s"] is not None
    assert 0 < spike["jump_s"] < 10
    assert spike["connect_attempts"] >= 27
    assert spike["queued"] > 0, "thirty callers at a knee of fourteen"
    assert (spike["p95_s"] or 0) > 1.5 * (spike["p95_before_s"] or 0)
    assert spike["watched_s"] == pytest.approx(40)
    assert spike["recovery_s"] is None or spike["recovery_s"] <= 40


def test_the_load_that_was_expected_when_it_began_is_what_it_is_judged_at(report: Report) -> None:
    assert report["headroom"]["expected_peak"] == 6.0


def test_promises_on_phases_alone_leave_the_ceiling_to_the_methods_own(report: Report) -> None:
    assert report["ceiling"]["slo"]["calls"] is not None
