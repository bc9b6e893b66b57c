from __future__ import annotations

from dataclasses import replace

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.telemetry.context import run_span_id
from otel_voiceload.telemetry.run_spans import SpanCounts, run_span, stage_span

from . import records
from .records import RUN_ID, SCOPE, ms


def attributes(span: Span) -> dict[str, object]:
    return {
        item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes
    }


def test_a_stage_says_what_was_asked() -> None:
    span = stage_span(records.stage(end_mono_ns=ms(26_000)), SCOPE)
    assert attributes(span) == {
        "voiceload.phase.name": "ramp",
        "voiceload.stage.index": 2,
        "voiceload.concurrency.target": 24,
        "voiceload.stage.calls_from": 12.0,
        "voiceload.stage.calls_to": 24.0,
        "voiceload.stage.duration": 9.0,
    }
    assert span.parent_span_id.hex() == run_span_id(RUN_ID)


def test_the_last_span_of_a_run_closes_its_ledger() -> None:
    record = records.run(end_mono_ns=ms(45_000), stop_reason="duration", planted="llm:48")
    span = run_span(record, SCOPE, SpanCounts(ended=100, lost={"deadline": 2}))
    assert (
        attributes(span).items()
        >= {
            "voiceload.run.spans_ended": 100,
            "voiceload.run.spans_lost": '{"deadline":2}',
            "voiceload.run.stop_reason": "duration",
            "voiceload.run.planted": "llm:48",
            "voiceload.run.thresholds": '{"turn_latency":["p95<2s"]}',
            "voiceload.run.co_located": True,
        }.items()
    )
    assert span.span_id.hex() == run_span_id(RUN_ID)


def test_a_stage_of_calls_per_second_asks_for_no_number_of_calls() -> None:
    record = records.stage(end_mono_ns=ms(26_000))
    stage = replace(record.stage, arrivals="poisson", per_s_from=1.0, per_s_to=2.5, note="rush")
    said = attributes(stage_span(replace(record, stage=stage), SCOPE))
    assert said == {
        "voiceload.phase.name": "ramp",
        "voiceload.stage.index": 2,
        "voiceload.stage.arrivals": "poisson",
        "voiceload.stage.per_s_from": 1.0,
        "voiceload.stage.per_s_to": 2.5,
        "voiceload.stage.duration": 9.0,
        "voiceload.stage.note": "rush",
    }


def test_a_run_keeps_its_plan_its_peak_and_what_found_no_place() -> None:
    record = records.run(plan='{"version":1}', peak_calls=40.0, starts_dropped=3)
    said = attributes(run_span(record, SCOPE, None))
    assert said["voiceload.run.plan"] == '{"version":1}'
    assert said["voiceload.run.peak_calls"] == 40.0
    assert said["voiceload.run.starts_dropped"] == 3
