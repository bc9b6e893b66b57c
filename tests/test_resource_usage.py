"""What processes took, as it was sampled or as the target tells it, up to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.model import MachineUsage, Record, Usage
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.store.open import open_store
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.otlp import attributes
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, write_segment
from tests.store.records import at

MB = 1_000_000


def usage(role: str, process: str, at_s: float, cpu: float, rss: int = 1_000_000) -> Usage:
    return Usage(role, process, 7, at(at_s), cpu, rss, 20, 3, {"127.0.0.1:8765": 2})


def stored(tmp_path: Path, more: Sequence[Record], *told: Batch) -> Path:
    batches = batches_of([*records.small_run(), *more], records.RUN)
    return write_segment(tmp_path / "run.duckdb", [*batches, *told])


def by_target(*metrics: Metric, service: str = "my-agent") -> Batch:
    """As somebody's runtime instrumentation sends it."""
    group = ResourceMetrics(scope_metrics=[ScopeMetrics(metrics=metrics)])
    group.resource.attributes.extend(attributes({"service.name": service}))
    request = ExportMetricsServiceRequest(resource_metrics=[group])
    return Batch("metrics", request.SerializeToString(), len(metrics))


def points(values: Sequence[float], **about: str) -> list[NumberDataPoint]:
    return [
        NumberDataPoint(
            time_unix_nano=UNIX_NS + at(second), as_double=value, attributes=attributes(about)
        )
        for second, value in enumerate(values, 1)
    ]


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with open_store(path) as reading:
        return list(reading.sql(sql).rows)


def test_what_was_sampled_is_one_row_per_process_and_second(tmp_path: Path) -> None:
    path = stored(
        tmp_path,
        [
            usage("generator", "worker-0", 2, 0.5),
            usage("target", "target", 2, 0.25),
            MachineUsage(at(2), 10.0, 20.0, 900),
        ],
    )
    columns = "process, role, source, cpu, rss_bytes, fds, threads, sockets, received_bytes_per_s"
    assert ask(path, f"select {columns} from resource_usage order by process") == [
        ("machine", "generator", "sampled", None, None, None, None, None, 20.0),
        ("target", "target", "sampled", 0.25, 1_000_000, 20, 3, 2, None),
        ("worker-0", "generator", "sampled", 0.5, 1_000_000, 20, 3, 2, None),
    ]


def test_what_a_target_tells_goes_to_the_run_that_was_on(tmp_path: Path) -> None:
    spent = Metric(name="process.cpu.time", sum=Sum(is_monotonic=True))
    spent.sum.data_points.extend(points([10, 10.25, 11, 0.5], **{"cpu.mode": "user"}))
    kernel = points([1, 1.5, 1.5, 0.1], **{"cpu.mode": "system"})
    spent.sum.data_points.extend(kernel)
    memory = Metric(name="process.memory.usage", gauge=Gauge(data_points=points([5e6] * 4)))
    pauses = Metric(name="jvm.gc.duration", histogram=Histogram())
    for second, total in enumerate((0.1, 0.1, 0.3, 0.3), 1):
        pauses.histogram.data_points.append(
            HistogramDataPoint(time_unix_nano=UNIX_NS + at(second), count=second, sum=total)
        )
    long_ago = Metric(
        name="process.memory.usage",
        gauge=Gauge(data_points=[NumberDataPoint(time_unix_nano=UNIX_NS - 10**12, as_double=1)]),
    )
    path = stored(tmp_path, [], by_target(spent, memory, pauses, long_ago))

    rows = ask(
        path, "select process, source, cpu, rss_bytes, gc_s from resource_usage order by at_ns"
    )

    assert rows == [
        ("my-agent", "otlp", None, 5_000_000, None),
        ("my-agent", "otlp", 0.75, 5_000_000, pytest.approx(0.0)),
        ("my-agent", "otlp", 0.75, 5_000_000, pytest.approx(0.2)),
        ("my-agent", "otlp", None, 5_000_000, pytest.approx(0.0)),  # it was started again
    ]


PROMISES = {
    "target_cpu: avg<80%": "pass",
    "target_cpu: p50<20%": "fail",
    "target_memory: max<2MB": "pass",
    "target_fds: max<10": "fail",
}


def test_promises_on_the_target_can_be_judged(tmp_path: Path) -> None:
    seen = [usage("target", "target", second, 0.5) for second in range(1, 200)]
    path = stored(tmp_path, seen)
    promised = tuple(each for promise in PROMISES for each in parse(promise))

    with open_store(path) as reading:
        report = build_report(reading, records.RUN, ReportOptions(thresholds=promised))

    judged = {
        f"{each['metric']}: {each['expression']}": each["verdict"]
        for each in report["thresholds"]
        if each["written_by_user"]
    }
    assert judged == PROMISES


def test_each_further_call_costs_what_the_slope_over_the_levels_says(tmp_path: Path) -> None:
    calls: list[Record] = []
    for index in range(1, 9):  # one call for the first minute, eight for the second
        who, start_s = records.identity(index), 0.0 if index == 1 else 60.0
        calls += [records.call_start(who, start_s), records.call(who, start_s, 120.0)]
    low = records.stage(60.0, 1.0)
    high = records.level_stage(60.0, 120.0, 8.0, 1)
    used = [
        usage("generator", "worker-0", second, 0.1 + 0.05 * held, 50 * MB + held * MB // 5)
        for second in range(1, 120)
        for held in [1 if second < 60 else 8]
    ]
    traffic = [
        MachineUsage(at(second), 32e3 * held + 500, 33e3 * held, None)
        for second in range(1, 120)
        for held in [1 if second < 60 else 8]
    ]
    whole = records.run(end_mono_ns=at(120), machine_cores=2, machine_memory_bytes=1050 * MB)
    run = [whole, low, high, *calls, *used, *traffic]
    path = write_segment(tmp_path / "run.duckdb", batches_of(run, records.RUN))

    with open_store(path) as reading:
        machine, cost = reading.query("marginal_cost", run_id=records.RUN)

    assert (cost["role"], cost["process"]) == ("generator", "worker")
    assert (cost["lowest_calls"], cost["highest_calls"]) == (1, 8)
    assert cost["cpu_per_call"] == pytest.approx(0.05, rel=0.05)
    assert cost["cpu_idle"] == pytest.approx(0.1, rel=0.1)
    assert cost["rss_bytes_per_call"] == pytest.approx(MB / 5, rel=0.05)
    assert cost["rss_idle_bytes"] == pytest.approx(50 * MB, rel=0.05)
    assert machine["process"] == "machine"
    assert machine["sent_bytes_per_s_per_call"] == pytest.approx(32e3, rel=0.05)
    assert machine["received_bytes_per_s_per_call"] == pytest.approx(33e3, rel=0.05)
    # (2 cores - 0.1) / 0.05, and (1050 MB - 50 MB) / 0.2 MB
    assert cost["cpu_ceiling_calls"] == pytest.approx(38, rel=0.05)
    assert cost["memory_ceiling_calls"] == pytest.approx(5000, rel=0.05)


@pytest.mark.parametrize(
    ("name", "unit", "pauses"),
    [
        ("dotnet.gc.pause.time", "s", [0.1, 0.3, 0.3]),
        ("process.runtime.jvm.gc.duration", "ms", [100, 300, 300]),
    ],
)
def test_pauses_of_the_targets_garbage_collection_can_be_promised_upon(
    tmp_path: Path, name: str, unit: str, pauses: list[float]
) -> None:
    told = Metric(name=name, unit=unit, sum=Sum(is_monotonic=True))
    told.sum.data_points.extend(points(pauses))
    seen = [usage("target", "target", second, 0.5) for second in range(1, 20)]
    path = stored(tmp_path, seen, by_target(told))

    with open_store(path) as reading:
        rows = reading.query("target_samples", run_id=records.RUN, since_ns=None, until_ns=None)
        report = build_report(reading, records.RUN, ReportOptions(parse("target_gc: max<5%")))

    assert {row["cpu"] for row in rows} == {0.5}, "what was seen goes before what was told"
    known = [row["gc_share"] for row in rows if row["gc_share"] is not None]
    assert known == pytest.approx([0.2] * len(known))
    assert 0 < len(known) <= 10, "of the ten seconds in which they were told"
    (judged,) = [each for each in report["thresholds"] if each["written_by_user"]]
    assert (judged["verdict"], judged["observed"]) == ("fail", pytest.approx(0.2))
