"""The report from end to end: simulated and hand-made runs through the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.errors import ExitCode, StoreError, UsageError
from otel_voiceload.model import Record, RunRecord, Stage
from otel_voiceload.reports.build import ReportOptions, build_report, exit_code
from otel_voiceload.reports.report import Report
from otel_voiceload.store.open import open_store
from otel_voiceload.store.spooled import LANE_STORE, TO_THIS_STORE, Frame
from otel_voiceload.telemetry.spool import Spool, SpoolPlace
from tests.accuracy.demo_statistics import write_demo
from tests.reports.published import hold_to_schema
from tests.store import records
from tests.store.builder import (
    UNIX_NS,
    batches_of,
    spans_batch,
    write_run,
    write_segment,
    write_store,
)


def report_of(path: Path, run_id: str, options: ReportOptions | None = None) -> Report:
    """The report, checked to be what the published schema says, as JSON."""
    with open_store(path) as reading:
        report = build_report(reading, run_id, options)
    hold_to_schema(report)
    return report


def held(calls: int, seconds: float, **more: object) -> list[Record]:
    """A plain run with one level; ``more`` changes its run record."""
    return [
        replace(each, **more) if isinstance(each, RunRecord) else each
        for each in played(calls, seconds)
    ]


@cache
def played(calls: int, seconds: float) -> tuple[Record, ...]:
    callers = CallerModel()
    config = solve_plant("none", 48, callers.cycle())
    stages = [Stage(0, "baseline", 0.0, seconds, calls, calls)]
    run = SimulatedRun(run_id=records.RUN, profile="baseline")
    return tuple(simulate(stages, config, callers, seed=3, run=run))


def written(tmp_path: Path, run: Sequence[Record]) -> Path:
    return write_run(tmp_path / "run.duckdb", run, records.RUN)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo") / "run.duckdb", "llm", 501)


def test_the_demo_names_what_was_planted(demo: Path) -> None:
    report = report_of(demo, "llm-501")
    assert report["headline"].startswith("llm bends first: full at ")
    assert report["first_inflection"] is not None
    assert report["first_inflection"]["component"] == "llm"
    roles = {each["component"]: each["role"] for each in report["components"]}
    assert roles["llm"] == "bottleneck"
    assert roles["stt"] == roles["tts"] == "healthy"
    assert [level["level"] for level in report["levels"]] == [12, 24, 48, 96, 24]
    curve = next(each["curve"] for each in report["components"] if each["component"] == "llm")
    assert [point["concurrency"] for point in curve] == [12, 24, 48, 96], "the way up only"
    assert report["run"]["validity"] == "valid"
    assert report["run"]["planted"] == "llm"
    assert exit_code(report) == ExitCode.OK


def test_a_threshold_at_the_expected_peak_sets_the_exit_code(demo: Path) -> None:
    strict = ReportOptions(thresholds=parse("turn_latency: p95<2s"), expected_peak=96)
    report = report_of(demo, "llm-501", strict)
    row = next(each for each in report["thresholds"] if each["written_by_user"])
    assert row["verdict"] == "fail"
    assert row["judged_at"] == 96
    assert report["verdict"] == "fail"
    assert exit_code(report) == ExitCode.FAILED
    assert report["headroom"]["calls"] is not None
    assert report["headroom"]["calls"] < 0


def test_without_a_peak_a_search_marks_levels_and_leaves_the_exit_code_alone(demo: Path) -> None:
    report = report_of(demo, "llm-501", ReportOptions(thresholds=parse("turn_latency: p95<2s")))
    row = next(each for each in report["thresholds"] if each["written_by_user"])
    assert row["levels_broken"] == [96]
    assert exit_code(report) == ExitCode.OK


def test_one_component_may_be_shown_alone(demo: Path) -> None:
    report = report_of(demo, "llm-501", ReportOptions(component="tts"))
    assert [each["component"] for each in report["components"]] == ["tts"]


def test_a_time_window_leaves_out_what_came_later(demo: Path) -> None:
    start_ns = UNIX_NS + SimulatedRun().start_mono_ns
    report = report_of(demo, "llm-501", ReportOptions(until_ns=start_ns + 25_000_000_000))
    assert [level["level"] for level in report["levels"]] == [12, 24, 48]


@pytest.mark.parametrize(
    "options",
    [ReportOptions(expected_peak=0), ReportOptions(since_ns=5, until_ns=5)],
)
def test_options_that_make_no_sense_are_refused(demo: Path, options: ReportOptions) -> None:
    with pytest.raises(UsageError, match="Can not report"):
        report_of(demo, "llm-501", options)


def test_a_run_that_is_not_there_is_named(demo: Path) -> None:
    with pytest.raises(StoreError, match="no run 'gone'"):
        report_of(demo, "gone")


# --- runs that can not say much: more of them in end_to_end/test_bad_runs -----------------------


def test_calls_without_turns_are_said_to_have_none(tmp_path: Path) -> None:
    silent = records.call(records.identity(), 1, 10, "silent_agent")
    report = report_of(written(tmp_path, [records.run(), records.stage(), silent]), records.RUN)
    assert "no turn was recorded" in report["headline"]
    assert report["call_completion"]["rate"] == 0.0


def test_ten_calls_for_a_minute_are_judged_by_thresholds_and_name_no_component(
    tmp_path: Path,
) -> None:
    report = report_of(written(tmp_path, held(10, 60)), records.RUN)
    assert report["inflection"]["status"] == "cannot_tell"
    assert "only one level of load, 10 calls" in report["headline"]
    assert report["inflection"]["candidates"] == []
    assert report["baseline"]["kind"] == "own_levels"
    assert report["baseline"]["up_to_calls"] == 10
    first = report["thresholds"][0]
    assert (first["metric"], first["verdict"]) == ("turn_latency", "pass")
    p99 = next(each for each in report["thresholds"] if each["expression"] == "p99<4s")
    assert p99["verdict"] in ("pass", "unknown")


def test_what_the_run_was_started_with_is_judged_too(tmp_path: Path) -> None:
    run = held(10, 60, thresholds={"turn_latency": ["p95<100ms"], "llm": ["p50<1s"]})
    report = report_of(written(tmp_path, run), records.RUN)
    rows = {each["metric"]: each["verdict"] for each in report["thresholds"]}
    assert rows["turn_latency"] == "fail"
    assert rows["llm"] == "pass"
    assert exit_code(report) == ExitCode.FAILED
    assert report["ceiling"]["slo"]["calls"] == 0.0


def test_a_negative_latency_is_left_out_and_counted(tmp_path: Path) -> None:
    (batch,) = batches_of(held(10, 30), records.RUN)
    who = records.identity(77)
    odd = Span(
        trace_id=bytes.fromhex(who.trace_id),
        span_id=bytes(7) + b"\1",
        name="turn",
        start_time_unix_nano=UNIX_NS + 2_000_000_000,
        end_time_unix_nano=UNIX_NS + 1_000_000_000,
    )
    for key, value in (("session.id", who.call_id), ("voiceload.turn.outcome", "answered")):
        odd.attributes.add(key=key).value.string_value = value
    odd.attributes.add(key="voiceload.turn.index").value.int_value = 0
    odd.attributes.add(key="voiceload.turn.response_latency").value.double_value = -1.0
    mine = {"service.name": "ovl-caller", "voiceload.run.id": records.RUN}
    path = write_segment(tmp_path / "run.duckdb", [batch, spans_batch([odd], mine)])
    report = report_of(path, records.RUN)
    assert any("negative latency" in reason for reason in report["run"]["validity_reasons"])
    assert report["turn_latency"]["p50_s"] is not None
    assert report["turn_latency"]["p50_s"] > 0


def test_a_killed_run_is_analysed_and_says_so(tmp_path: Path) -> None:
    run = [each for each in held(10, 30) if not isinstance(each, RunRecord)]
    marker = records.run(end_mono_ns=None, stop_reason="")
    report = report_of(written(tmp_path, [*run, marker]), records.RUN)
    assert report["run"]["ended"] is None
    assert not report["run"]["shut_down"]
    assert report["run"]["validity"] == "degraded"
    assert report["turn_latency"]["samples"] > 30


def test_the_tagged_baseline_of_the_same_target_is_used_and_no_others(tmp_path: Path) -> None:
    mine = held(10, 30)
    (own,) = [each for each in mine if isinstance(each, RunRecord)]
    base = [
        replace(each, run_id="base", tag="baseline") if isinstance(each, RunRecord) else each
        for each in simulate(
            [Stage(0, "baseline", 0.0, 20.0, 5, 5)],
            solve_plant("none", 48, CallerModel().cycle()),
            seed=4,
            run=SimulatedRun(run_id="base", start_mono_ns=own.start_mono_ns - 10**12),
        )
    ]
    other = replace(own, run_id="other", tag="baseline", target="ws://elsewhere:1")
    batches = [
        *batches_of(mine, records.RUN),
        *batches_of(base, "base"),
        *batches_of([other], "other"),
    ]
    path = write_segment(tmp_path / "runs.duckdb", batches)
    report = report_of(path, records.RUN)
    assert report["baseline"]["kind"] == "tagged_run"
    assert report["baseline"]["run_id"] == "base"
    drop = next(each for each in report["thresholds"] if each["expression"] == "drop<5pp")
    assert drop["verdict"] in ("pass", "unknown")
    assert drop["observed"] == 0.0


def test_a_run_marked_as_baseline_afterwards_is_used_like_a_tagged_one(tmp_path: Path) -> None:
    mine = held(10, 30)
    (own,) = [each for each in mine if isinstance(each, RunRecord)]
    earlier = simulate(
        [Stage(0, "baseline", 0.0, 20.0, 5, 5)],
        solve_plant("none", 48, CallerModel().cycle()),
        seed=4,
        run=SimulatedRun(run_id="earlier", start_mono_ns=own.start_mono_ns - 10**12),
    )
    batches = [*batches_of(mine, records.RUN), *batches_of(earlier, "earlier")]
    path = write_segment(tmp_path / "runs.duckdb", batches)

    unmarked = report_of(path, records.RUN)
    marked = report_of(path, records.RUN, ReportOptions(baselines=("earlier",)))

    assert unmarked["baseline"]["kind"] == "own_levels"
    assert marked["baseline"]["run_id"] == "earlier"


@pytest.mark.parametrize(
    ("other", "used"),
    [
        ({}, "other"),
        ({"tag": "baseline", "profile": "ramp"}, "other"),
        ({"profile": "ramp"}, None),
        ({"stop_reason": "user"}, None),
        ({"end_mono_ns": None}, None),  # it was killed
        ({"target": "ws://elsewhere:1"}, None),
        ({"start_mono_ns": records.at(60), "end_mono_ns": records.at(90)}, None),  # later
    ],
)
def test_a_run_of_the_baseline_profile_is_the_baseline_of_those_after_it(
    tmp_path: Path, other: dict[str, Any], used: str | None
) -> None:
    mine = records.run(profile="ramp")
    before = {"start_mono_ns": records.at(-60), "end_mono_ns": records.at(-30)}
    earlier = replace(records.run(run_id="other"), **(before | other))
    batches = [*batches_of([mine], records.RUN), *batches_of([earlier], "other")]

    with open_store(write_segment(tmp_path / "runs.duckdb", batches)) as reading:
        found = reading.query("baseline_run", of_run=records.RUN, marked=[])

    chosen = other.get("tag") == "baseline"
    assert [(row["run_id"], row["chosen"]) for row in found] == ([(used, chosen)] if used else [])


@pytest.mark.parametrize(("stop_reason", "asks"), [("duration", False), ("user", True)])
def test_a_baseline_run_asks_to_be_marked_unless_it_counts_as_one_by_itself(
    tmp_path: Path, stop_reason: str, asks: bool
) -> None:
    run = [
        replace(each, stop_reason=stop_reason) if isinstance(each, RunRecord) else each
        for each in held(10, 30)
    ]
    report = report_of(written(tmp_path, run), records.RUN)
    assert report["run"]["profile"] == "baseline"
    assert (f"`ovl runs baseline {records.RUN}`" in report["next_step"]) is asks


def test_a_baseline_that_nobody_chose_is_named_as_one_of_its_profile(tmp_path: Path) -> None:
    mine = [
        replace(each, profile="custom") if isinstance(each, RunRecord) else each
        for each in held(10, 30)
    ]
    (own,) = [each for each in mine if isinstance(each, RunRecord)]
    earlier = simulate(
        [Stage(0, "baseline", 0.0, 20.0, 5, 5)],
        solve_plant("none", 48, CallerModel().cycle()),
        seed=4,
        run=SimulatedRun(
            run_id="earlier", profile="baseline", start_mono_ns=own.start_mono_ns - 10**12
        ),
    )
    batches = [*batches_of(mine, records.RUN), *batches_of(earlier, "earlier")]
    base = report_of(write_segment(tmp_path / "runs.duckdb", batches), records.RUN)["baseline"]
    assert (base["kind"], base["run_id"]) == ("profile_run", "earlier")


def test_spans_that_wait_in_the_spool_close_the_ledger_and_say_what_to_do(tmp_path: Path) -> None:
    run = held(4, 120.0)
    place = SpoolPlace(tmp_path / "spool" / records.RUN)
    write_store(tmp_path, [(batches_of(run, records.RUN), True)])
    spool = Spool(place, LANE_STORE, TO_THIS_STORE, lambda *_: None)
    spool.append(Frame("traces", 7, b"seven spans"))
    spool.close()
    (place.folder / LANE_STORE / "lost.json").write_text('{"http_400": 2}')

    report = report_of(tmp_path, records.RUN)

    assert report["generator"]["spans_lost"] == {"http_400": 2, "waiting_in_spool": 7}
    reasons = " ".join(report["run"]["validity_reasons"])
    assert "spans were lost: 2 http_400" in reasons
    assert "7 spans wait in the spool: start `ovl collect` on this store" in reasons
