from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import NS_PER_S, Health, Record, RunRecord, Stage, StageRecord
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.report import Report
from otel_voiceload.store.open import open_store
from tests.store import records as hand
from tests.store.builder import write_run
from tests.store.records import at

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


def test_the_load_that_was_expected_when_it_began_is_what_it_is_judged_at(report: Report) -> None:
    assert report["headroom"]["expected_peak"] == 6.0


def test_promises_on_phases_alone_leave_the_ceiling_to_the_methods_own(report: Report) -> None:
    assert report["ceiling"]["slo"]["calls"] is not None


def made_by_hand() -> list[Record]:
    """Two calls, eight from 40 s to 60 s, two again; of the six more two are refused, one dropped.

    Turns take 1 s, 3 s from the spike on, and 1 s again from 70 s on. In the second before 50 s the
    generator was the limit.
    """
    stood = ((0.0, 40.0, 2), (40.0, 60.0, 8), (60.0, 100.0, 2))
    stages = [
        StageRecord(
            Stage(index, "spike", start_s, end_s - start_s, calls, calls, at_once=index == 1),
            at(start_s),
            at(end_s),
        )
        for index, (start_s, end_s, calls) in enumerate(stood)
    ]
    ends = ["refused", "refused", "dropped", "completed", "completed", "completed"]
    more = [
        hand.call(
            hand.identity(10 + number),
            40.5,
            40.6 if outcome == "refused" else 55.0,
            outcome,
            scheduled_mono_ns=at(40),
        )
        for number, outcome in enumerate(ends)
    ]
    whole = [hand.call(hand.identity(number), 0.1, 100.0) for number in (1, 2)]
    turns = [
        hand.turn(hand.identity(1), second // 2, second + 1.5, second + 1.5 + wait_s)
        for second in range(2, 96, 2)
        for wait_s in [3.0 if 40 <= second < 70 else 1.0]
    ]
    calm = Health(0, 0, 2, 50, 0, 0.0, 0.001, 0.001, 0.0, 0.1, 0, 0)
    seconds = [
        replace(calm, at_mono_ns=at(second), limited_by=("loop_lag",) if second == 50 else ())
        for second in range(1, 101)
    ]
    held_up = [hand.turn(hand.identity(2), 1, 49.8, 57.3)]  # its wait began at 49.8 s
    run = hand.run(end_mono_ns=at(100))
    return [run, *stages, *whole, *more, *turns, *held_up, *seconds]


def test_what_a_spike_cost_is_counted_and_what_the_generator_spoiled_is_left_out(
    tmp_path: Path,
) -> None:
    path = write_run(tmp_path / "run.duckdb", made_by_hand(), hand.RUN)
    with open_store(path) as reading:
        (spike,) = reading.query("spikes", run_id=hand.RUN)
        (back,) = reading.query("spike_recovery", run_id=hand.RUN)

    assert (spike["connect_attempts"], spike["connect_failures"]) == (6, 2)
    assert (spike["rejected"], spike["dropped"]) == (2, 1)
    assert spike["schedule_delay_p95_s"] == pytest.approx(0.5)
    assert spike["p95_before_s"] == pytest.approx(1.0)
    assert spike["p95_after_s"] == pytest.approx(3.0)
    assert spike["limited_share"] == pytest.approx(1 / 20)
    assert spike["p95_s"] == pytest.approx(3.0), "a wait of 7.5 s began in the spoiled second"
    assert back["recovery_s"] == pytest.approx(10.0), "three of the twelve pieces of 40 s"
    assert back["resolution_s"] == pytest.approx(40 / 12)


def test_on_the_way_down_only_what_begins_after_the_backlog_counts(tmp_path: Path) -> None:
    """Four calls to 40 s, then one; a turn begun before the step down is answered at 55 s."""
    run: list[Record] = [
        hand.run(end_mono_ns=at(80)),
        hand.stage(40.0, 4.0),
        hand.level_stage(40.0, 80.0, 1.0, 1),
        *(hand.call(hand.identity(n), 0.1, 80.0 if n == 1 else 40.0) for n in (1, 2, 3, 4)),
        *(hand.turn(hand.identity(1), s // 4, s + 2, s + 3) for s in range(0, 76, 4)),
        hand.turn(hand.identity(2), 9, 38.0, 55.0),
    ]
    with open_store(write_run(tmp_path / "run.duckdb", run, hand.RUN)) as reading:
        begins = "select (min(slot) - (select started_ns // 250000000 from runs)) / 4"
        rows = reading.sql(f"{begins} from slot_levels where counts and level = 1").rows

    assert 55.0 <= float(str(next(iter(rows))[0])) <= 56.0, "without it: 46 s"
