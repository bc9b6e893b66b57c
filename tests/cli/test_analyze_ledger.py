"""A store that lacks what was acknowledged: `ovl analyze` says so and never says pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import RunRecord, Stage
from otel_voiceload.telemetry.batches import Batch, resource
from otel_voiceload.telemetry.run_spans import SpanCounts
from otel_voiceload.telemetry.spans import spans_of
from tests.cli.ovl import ovl
from tests.collector.stores import commit_batch, new_segments, vanish
from tests.store.builder import batches_of, scope_of, spans_batch

RUN = "20270115T080004-ledger"
Capture = pytest.CaptureFixture[str]


def recorded(missing: int = 0) -> list[Batch]:
    """A run of two levels, its own span last, which says how many spans there were."""
    callers = CallerModel()
    levels = [Stage(0, "ramp", 0, 8, 6, 6), Stage(1, "ramp", 8, 8, 12, 12)]
    config = solve_plant("none", 24, callers.cycle(), seed=1)
    run = SimulatedRun(run_id=RUN, profile="custom")
    records = list(simulate(levels, config, callers, seed=1, run=run))
    rest = [record for record in records if not isinstance(record, RunRecord)]
    batches = [batch for record in _quarters(rest) for batch in batches_of(record, RUN)]
    (own,) = [record for record in records if isinstance(record, RunRecord) and record.end_mono_ns]
    stored = sum(batch.items for batch in batches) + 1
    span = spans_of(own, scope_of(RUN), SpanCounts(stored + missing, {}))
    named = {pair.key: pair.value.string_value for pair in resource(RUN, 0, 1, {}).attributes}
    return [*batches, spans_batch(span, named)]


def _quarters(records: list[Any]) -> list[list[Any]]:
    size = -(-len(records) // 4)
    return [records[begin : begin + size] for begin in range(0, len(records), size)]


def killed(folder: Path, batches: list[Batch]) -> Path:
    """A store whose collector was killed with all of it in the live segment's log."""
    place = folder / "recordings" / "r"
    place.mkdir(parents=True)
    segments = new_segments(place)
    for number, batch in enumerate(batches, 1):
        commit_batch(segments, batch.signal, batch.body, number)
    vanish(segments)
    return folder


def analyzed(capsys: Capture, store: Path) -> tuple[int, dict[str, Any]]:
    words = ("-f", "json", "--threshold", "turn_latency:p50<60s")
    ended = ovl(capsys, store, "analyze", RUN, *words)
    return ended.code, json.loads(ended.out)


def test_a_ledger_that_closes_lets_a_run_pass(tmp_path: Path, capsys: Capture) -> None:
    code, report = analyzed(capsys, killed(tmp_path, recorded()))
    assert (code, report["verdict"]) == (0, "pass")


def test_one_span_without_a_trace_is_enough_not_to_pass(tmp_path: Path, capsys: Capture) -> None:
    code, report = analyzed(capsys, killed(tmp_path, recorded(missing=1)))
    assert (code, report["verdict"]) == (4, "inconclusive")
    assert "the ledger does not close: 1 of" in report["run"]["validity_reasons"][0]


@pytest.mark.parametrize("batches_cut", [1, 2])
def test_a_shortened_log_is_noticed_by_the_ledger(
    tmp_path: Path, capsys: Capture, batches_cut: int
) -> None:
    """DuckDB opens it without a word; one batch less and the run's own span is gone as well."""
    store = killed(tmp_path, recorded())
    (log,) = store.glob("recordings/r/*.wal")
    counts = log.with_name("segment-0001.acked")
    content, acked = log.read_bytes(), json.loads(counts.read_bytes())
    log.write_bytes(content[: -len(content) * (2 * batches_cut - 1) // 10])
    code, report = analyzed(capsys, store)
    assert (code, report["verdict"]) == (4, "inconclusive")
    reasons = " ".join(report["run"]["validity_reasons"])
    assert "that were acknowledged are missing from segment-0001.duckdb" in reasons
    assert report["generator"]["spans_stored"] < acked["spans"]
