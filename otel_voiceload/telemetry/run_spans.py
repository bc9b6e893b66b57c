"""The spans that a run and its stages become: what was asked for, and how it ended.

They have a trace of their own, which every call links to. Each has a zero-length marker for its
start, since a span arrives only when it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload import conventions as names
from otel_voiceload.model import NS_PER_S, RunRecord, Stage, StageRecord
from otel_voiceload.telemetry.context import run_span_id, run_trace_id, span_id
from otel_voiceload.telemetry.otlp import RunScope, Scalar, make_span


@dataclass(frozen=True, slots=True)
class SpanCounts:
    """What the final run span says of all spans, itself included in ``ended``."""

    ended: int
    lost: Mapping[str, int]
    copy: Mapping[str, object] | None = None  # ended, acknowledged, waiting, lost; without itself


def stage_span(record: StageRecord, scope: RunScope) -> Span:
    stage, trace = record.stage, run_trace_id(scope.run_id)
    name = names.SPAN_STAGE_START if record.end_mono_ns is None else names.SPAN_STAGE
    end_ns = record.start_mono_ns if record.end_mono_ns is None else record.end_mono_ns
    return make_span(
        scope,
        name,
        (trace, span_id(trace, name, stage.index), run_span_id(scope.run_id)),
        (record.start_mono_ns, end_ns),
        {
            names.PHASE_NAME: stage.phase,
            names.STAGE_INDEX: stage.index,
            names.STAGE_DURATION: float(stage.duration_s),
            names.STAGE_REPEAT_OF: stage.repeat_of,
            names.STAGE_AT_ONCE: stage.at_once or None,
            names.STAGE_NOTE: stage.note or None,
            **_offered(stage),
        },
    )


def _offered(stage: Stage) -> dict[str, Scalar | None]:
    """Calls held, or calls begun per second: an open stage asks for no number of calls."""
    if stage.arrivals is None:
        return {
            names.CONCURRENCY_TARGET: round(stage.calls_to),
            names.STAGE_CALLS_FROM: float(stage.calls_from),
            names.STAGE_CALLS_TO: float(stage.calls_to),
        }
    return {
        names.STAGE_ARRIVALS: stage.arrivals,
        names.STAGE_PER_S_FROM: float(stage.per_s_from),
        names.STAGE_PER_S_TO: float(stage.per_s_to),
    }


def _shards_lost(record: RunRecord) -> str | None:
    """Each with the seconds from the run's start to its last sign of life."""
    if not record.shards_lost:
        return None
    lost = [
        {
            "shard": loss.shard_index,
            "at_s": round((loss.at_mono_ns - record.start_mono_ns) / NS_PER_S, 3),
        }
        for loss in record.shards_lost
    ]
    return orjson.dumps(lost).decode()


def run_span(record: RunRecord, scope: RunScope, counts: SpanCounts | None) -> Span:
    trace, run_id = run_trace_id(record.run_id), run_span_id(record.run_id)
    ids: tuple[str, str, str | None] = (trace, run_id, None)
    if record.end_mono_ns is None:
        ids = (trace, span_id(trace, names.SPAN_RUN_START), run_id)
    return make_span(
        scope,
        names.SPAN_RUN_START if record.end_mono_ns is None else names.SPAN_RUN,
        ids,
        (record.start_mono_ns, record.end_mono_ns or record.start_mono_ns),
        {
            names.RUN_ID: record.run_id,
            names.RUN_TARGET: record.target,
            names.RUN_WIRE: record.wire,
            names.RUN_PROFILE: record.profile,
            names.RUN_SEED: record.seed,
            names.RUN_TAG: record.tag,
            names.RUN_SCENARIO_HASH: record.scenario_hash,
            names.RUN_CLIP_PACK: record.clip_pack,
            names.RUN_CO_LOCATED: record.co_located,
            names.RUN_THRESHOLDS: orjson.dumps(record.thresholds).decode(),
            names.RUN_STOP_REASON: record.stop_reason or None,
            names.RUN_PLANTED: record.planted or None,
            names.RUN_HEARING_BIAS: record.hearing_bias_s,
            names.RUN_HEARING_SPREAD: record.hearing_spread_s,
            names.RUN_PEAK_CALLS: record.peak_calls,
            names.RUN_PLAN: record.plan or None,
            names.RUN_STARTS_DROPPED: record.starts_dropped or None,
            names.RUN_SHARDS: record.shards,
            names.RUN_SHARDS_LOST: _shards_lost(record),
            names.RUN_MACHINE_CORES: record.machine_cores,
            names.RUN_MACHINE_MEMORY: record.machine_memory_bytes,
            names.RUN_COPY: None
            if counts is None or counts.copy is None
            else orjson.dumps(dict(counts.copy)).decode(),
            names.RUN_SPANS_ENDED: None if counts is None else counts.ended,
            names.RUN_SPANS_LOST: None
            if counts is None
            else orjson.dumps(dict(counts.lost)).decode(),
        },
    )
