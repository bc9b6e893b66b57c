"""A run before and after retention took its raw spans: the same levels, curves and verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import NS_PER_S, Record, TurnRecord
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.otlp import attributes
from ovl_collector.manifest import read_manifest
from ovl_collector.retention import Keep, Retention
from tests.cli.ovl import ovl
from tests.collector.stores import commit_batch, new_segments
from tests.reports.samples import stages
from tests.store.builder import UNIX_NS, batches_of, spans_batch

RUN = "20270115T080003-soak"
PARTS = 3
APART_NS = 60 * NS_PER_S
BUCKET = 2 ** (1 / 32) - 1  # the resolution of the cells

Capture = pytest.CaptureFixture[str]


def simulated() -> list[Record]:
    """A simulated run told as a real one: what nobody measured otherwise would stand above all."""
    callers = CallerModel()
    run = SimulatedRun(run_id=RUN, profile="demo", planted="llm:24")
    config = solve_plant("llm", 24, callers.cycle(), seed=1)
    return [
        replace(record, components=tuple(replace(c, source="in_band") for c in record.components))
        if isinstance(record, TurnRecord)
        else record
        for record in simulate(stages(), config, callers, seed=1, run=run)
    ]


def of_target(records: list[Record]) -> Batch:
    """The llm's work as the target's own tracing tells it: no run id, the caller's trace."""
    spans = []
    for turn in records:
        if not isinstance(turn, TurnRecord):
            continue
        for place, work in enumerate(turn.components):
            if work.component != "llm" or work.first_mono_ns is None:
                continue
            values = {
                "session.id": turn.call.call_id,
                "voiceload.component.name": "llm",
                "voiceload.component.attempt": work.attempt,
                "voiceload.component.latency": (work.first_mono_ns - work.start_mono_ns) / 1e9,
                "voiceload.component.source": "target_trace",
            }
            spans.append(
                Span(
                    trace_id=bytes.fromhex(turn.call.trace_id),
                    span_id=(len(spans) * 100 + place + 1 + turn.speech_end_mono_ns).to_bytes(8),
                    name="llm",
                    start_time_unix_nano=UNIX_NS + work.start_mono_ns,
                    end_time_unix_nano=UNIX_NS + work.end_mono_ns,
                    attributes=attributes(values),  # type: ignore[arg-type]  # one kind at a time
                )
            )
    return spans_batch(spans, {"service.name": "ovl-agent"})


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A store with the run in three files; the target's spans come one file after their turns."""
    store = tmp_path / "store"
    folder = store / "recordings" / "r"
    folder.mkdir(parents=True)
    segments = new_segments(folder)
    records = simulated()
    size = -(-len(records) // (PARTS - 1))
    parts = [records[begin : begin + size] for begin in range(0, len(records), size)]
    number = 1
    for place in range(PARTS):
        batches = batches_of(parts[place], RUN) if place < len(parts) else []
        batches += [of_target(parts[place - 1])] if place else []
        for batch in batches:
            at_ns = UNIX_NS + place * APART_NS
            commit_batch(segments, batch.signal, batch.body, number, at_ns)
            number += 1
        segments.rotate().result()
    segments.end()
    return store


def sweep(store: Path, parts: int) -> list[str]:
    """Retention by age, of a collector beside the run's: the first ``parts`` parts are too old."""
    folder = store / "recordings" / f"z{parts}"
    folder.mkdir()
    own = new_segments(folder)
    now_ns = UNIX_NS + parts * APART_NS
    keep = Keep(max_age_s=APART_NS / 2 / 1e9)
    try:
        return Retention(store, own, keep, unix_ns=lambda: now_ns).sweep()
    finally:
        own.end()


def report_of(capsys: Capture, store: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ovl(capsys, store, "analyze", RUN, "-f", "json", *words).out)
    return found


def assert_same_but_for_buckets(one: Any, other: Any, where: str = "") -> None:
    """Equal counts and names; latencies as near as the cells tell them apart."""
    if isinstance(one, dict):
        for key in one:
            assert_same_but_for_buckets(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same_but_for_buckets(left, right, f"{where}[{place}]")
    elif isinstance(one, float) and where.endswith(("_s", "unattributed.share")):
        assert other == pytest.approx(one, rel=BUCKET, abs=1e-6), where
    else:
        assert other == (pytest.approx(one) if isinstance(one, float) else one), where


def test_levels_curve_and_bend_stay_when_raw_spans_go(
    whole: Path, tmp_path: Path, capsys: Capture
) -> None:
    """First of half of the run, then of the rest."""
    promise = ("--threshold", "turn_latency:p95<20s")
    before = report_of(capsys, whole, *promise)
    sources = {each["component"]: each["source"] for each in before["components"]}
    assert (sources["stt"], sources["llm"]) == ("in_band", "target_trace")
    assert before["run"]["validity"] == "valid"
    done = 0
    for parts, says in ((1, "raw spans of "), (PARTS, "the raw spans of all turns")):
        files = [f"r/segment-{number:04}.duckdb" for number in range(done + 1, parts + 1)]
        assert sweep(whole, parts) == files
        done = parts
        entries = read_manifest(whole / "recordings" / "r").segments
        assert [entry.rolled_up for entry in entries] == [n < parts for n in range(PARTS)]
        after = report_of(capsys, whole, *promise)
        for part in ("levels", "components", "call_completion", "turn_latency", "unattributed"):
            assert_same_but_for_buckets(before[part], after[part], part)
        assert after["inflection"] == before["inflection"]
        assert after["generator"]["spans_stored"] == before["generator"]["spans_stored"]
        # Without the calls, bounds are wider: a verdict may open and never turn round.
        assert after["thresholds"][0]["verdict"] in ("pass", "unknown")
        assert after["thresholds"][0]["observed"] == pytest.approx(
            before["thresholds"][0]["observed"], rel=BUCKET
        )
        assert after["run"]["validity"] == "degraded", str(after["run"]["validity_reasons"])
        (why,) = [each for each in after["run"]["validity_reasons"] if "retention" in each]
        assert why.startswith(says)
        assert "figures come from cells" in why
    copy = tmp_path / "run.duckdb"
    assert ovl(capsys, whole, "export", RUN, "-o", str(copy)).code == 0
    exported = json.loads(ovl(capsys, whole, "analyze", str(copy), "-f", "json").out)
    assert exported["levels"] == after["levels"], "what retention left is what is exported"
    answer = ovl(capsys, whole, "query", "curve", "--run", RUN, "-f", "json")
    assert {row["component"] for row in json.loads(answer.out)} >= {"stt", "llm", "tts"}
