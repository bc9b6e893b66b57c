"""Records to OTLP spans: the whole of the published span tree, and nothing that touches a socket.

A call's spans share one trace; the run and its stages have a trace of their own that every call
links to. Times are explicit: monotonic stamps through the run's one clock anchor, so a step of the
wall clock moves nothing. Component spans stand for work that the target did; they are INTERNAL and
carry no ``gen_ai.operation.name``, or they would count twice in people's LLM dashboards.
"""

from __future__ import annotations

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload import conventions as names
from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    CallRecord,
    CallStartRecord,
    ComponentRecord,
    ConnectRecord,
    Health,
    LoadContext,
    MachineUsage,
    Record,
    RunRecord,
    StageRecord,
    TurnRecord,
    Usage,
)
from otel_voiceload.telemetry.context import span_id
from otel_voiceload.telemetry.otlp import Attributes, RunScope, Scalar, link_to_run, make_span
from otel_voiceload.telemetry.run_spans import SpanCounts, run_span, stage_span

_SUCCESSFUL_CALL = ("completed", "transferred")
_NEVER_CONNECTED = ("refused", "negotiation_failed")


def spans_of(record: Record, scope: RunScope, counts: SpanCounts | None = None) -> list[Span]:
    """All spans that a record becomes; none for those that become metrics.

    ``counts`` is only for the ``RunRecord`` that ends the run.
    """
    match record:
        case TurnRecord():
            return _turn(record, scope)
        case CallRecord():
            return _call(record, scope)
        case CallStartRecord():
            return [_call_start(record, scope)]
        case StageRecord():
            return [stage_span(record, scope)]
        case RunRecord():
            return [run_span(record, scope, counts)]
        case Health() | Usage() | MachineUsage():
            return []


def span_count(record: Record) -> int:
    """How many spans ``spans_of`` makes, without making them: what a dropped record costs."""
    match record:
        case TurnRecord():
            network = 0 if record.rtt_s is None else 1 + _was_answered(record)
            return 1 + network + len(record.components)
        case CallRecord():
            return 2 + _had_media(record)
        case Health() | Usage() | MachineUsage():
            return 0
        case _:
            return 1


# --- a turn -------------------------------------------------------------------------------------


def _turn(record: TurnRecord, scope: RunScope) -> list[Span]:
    call, turn = record.call, record.turn_index
    common = _call_attributes(call, record.load) | {names.TURN_INDEX: turn}
    turn_id = span_id(call.trace_id, names.SPAN_TURN, turn)
    latency_s = record.response_latency_s
    failed = record.error_type or ("no_response" if record.outcome == "no_response" else None)
    spans = [
        make_span(
            scope,
            names.SPAN_TURN,
            (call.trace_id, turn_id, call.span_id),
            (record.speech_end_mono_ns, _turn_end_mono_ns(record)),
            common
            | {
                # The agent spoke over the caller: there is no wait to measure, and the outcome
                # ``interrupted`` says so. Not the same as an answer that never came.
                names.TURN_RESPONSE_LATENCY: None if (latency_s or 0.0) < 0 else latency_s,
                names.TURN_DEADLINE: record.deadline_s,
                names.TURN_OUTCOME: record.outcome,
                names.TURN_FIRST: turn == 0,
                names.TURN_SEND_DELAY: record.send_delay_s,
                names.TURN_CLIP: record.clip_id,
                names.TURN_AUDIO_GAP: record.audio_gap_s,
                names.TURN_SNR_DB: record.snr_db,
                names.TURN_ONSET_ERROR_MS: record.onset_error_bound_ms,
            },
            events=(
                (names.EVENT_SPEECH_START, record.speech_start_mono_ns),
                (names.EVENT_SPEECH_END, record.speech_end_mono_ns),
                (names.EVENT_FIRST_BYTE, record.first_byte_mono_ns),
                (names.EVENT_FIRST_AUDIO, record.first_audio_mono_ns),
                (names.EVENT_LAST_AUDIO, record.last_audio_mono_ns),
                (names.EVENT_TRANSCRIPT, record.transcript_mono_ns),
            ),
            error_type=failed,
        )
    ]
    spans += _network_share(record, scope, common, turn_id)
    spans += [_component(part, record, scope, common, turn_id) for part in record.components]
    return spans


def _turn_end_mono_ns(record: TurnRecord) -> int:
    """First voiced sample; without one the deadline, or a cut turn's last sign of life."""
    if record.first_audio_mono_ns is not None:
        return record.first_audio_mono_ns
    if record.outcome == "no_response":
        return record.speech_end_mono_ns + round(record.deadline_s * NS_PER_S)
    signs = (record.speech_end_mono_ns, record.first_byte_mono_ns, record.transcript_mono_ns)
    return max(sign for sign in signs if sign is not None)


def _was_answered(record: TurnRecord) -> bool:
    first = record.first_audio_mono_ns
    return first is not None and first >= record.speech_end_mono_ns


def _network_share(
    record: TurnRecord, scope: RunScope, common: Attributes, turn_id: str
) -> list[Span]:
    """Half the round trip on either side of the turn.

    Both are one component, ``network``: the way up is its attempt 0, the way down its attempt 1, so
    that "all attempts together" is the round trip, as for every other component.
    """
    if record.rtt_s is None:
        return []
    half_ns = round(record.rtt_s * NS_PER_S / 2)
    up = (record.speech_end_mono_ns, record.speech_end_mono_ns + half_ns)
    ways = [(names.SPAN_NETWORK_UPLINK, 0, up)]
    first = record.first_audio_mono_ns
    if first is not None and _was_answered(record):
        ways.append((names.SPAN_NETWORK_DOWNLINK, 1, (first - half_ns, first)))
    trace = record.call.trace_id
    return [
        make_span(
            scope,
            name,
            (trace, span_id(trace, name, record.turn_index), turn_id),
            between,
            {
                **common,
                names.COMPONENT_NAME: "network",
                names.COMPONENT_LATENCY: half_ns / NS_PER_S,
                names.COMPONENT_ATTEMPT: attempt,
                names.COMPONENT_SOURCE: names.SOURCE_CALLER_ESTIMATE,
                names.NETWORK_RTT: record.rtt_s,
            },
        )
        for name, attempt, between in ways
    ]


def _component(
    part: ComponentRecord, record: TurnRecord, scope: RunScope, common: Attributes, turn_id: str
) -> Span:
    """One attempt: up to its first token or byte. How long it held its server is an attribute."""
    trace = record.call.trace_id
    first_ns = part.end_mono_ns if part.first_mono_ns is None else part.first_mono_ns
    busy_ns = part.end_mono_ns - part.start_mono_ns - round(part.queue_s * NS_PER_S)
    return make_span(
        scope,
        part.component,
        (trace, span_id(trace, part.component, record.turn_index, part.attempt), turn_id),
        (part.start_mono_ns, first_ns),
        {
            **common,
            names.COMPONENT_NAME: part.component,
            names.COMPONENT_LATENCY: (first_ns - part.start_mono_ns) / NS_PER_S,
            names.COMPONENT_BUSY: max(0, busy_ns) / NS_PER_S,
            names.COMPONENT_QUEUE: part.queue_s,
            names.COMPONENT_ATTEMPT: part.attempt,
            names.COMPONENT_SOURCE: part.source,
            names.COMPONENT_RETRY_WAIT: part.retry_wait_s or None,
        },
        error_type=part.error_type,
    )


# --- a call -------------------------------------------------------------------------------------


def _call(record: CallRecord, scope: RunScope) -> list[Span]:
    call = record.call
    ended_well = record.outcome in _SUCCESSFUL_CALL
    # A call that we end ourselves, on a ramp down, is no failure of anybody.
    failed = None if ended_well else record.error_type
    if failed is None and not ended_well and record.outcome != "aborted_by_us":
        failed = record.outcome
    common = _call_attributes(call, record.load)
    span = make_span(
        scope,
        names.SPAN_CALL,
        (call.trace_id, call.span_id, None),
        (record.start_mono_ns, record.end_mono_ns),
        common
        | {
            names.CALL_INDEX: call.call_index,
            names.SCENARIO_NAME: call.scenario,
            names.CALL_OUTCOME: record.outcome,
            names.CALL_END_REASON: record.end_reason,
            names.CALL_TURN_COUNT: record.turn_count,
            names.CALL_SCHEDULED_DELAY: (record.start_mono_ns - record.scheduled_mono_ns)
            / NS_PER_S,
            names.CALL_GREETING_LATENCY: record.greeting_latency_s,
            names.SYNTHETIC_TYPE: "test",
        },
        kind=Span.SPAN_KIND_CLIENT,
        error_type=failed,
        message=record.detail,
    )
    link_to_run(span, scope)
    spans = [span, _connect(record, scope, common)]
    if _had_media(record):
        spans.append(_media(record, scope, common))
    return spans


def _had_media(record: CallRecord) -> bool:
    return record.outcome not in _NEVER_CONNECTED and record.connect.error_type is None


def _connect(record: CallRecord, scope: RunScope, common: Attributes) -> Span:
    call, connect = record.call, record.connect
    return make_span(
        scope,
        names.SPAN_NETWORK_CONNECT,
        (call.trace_id, span_id(call.trace_id, names.SPAN_NETWORK_CONNECT), call.span_id),
        (connect.start_mono_ns, connect.end_mono_ns),
        {**common, **_peer(connect)},
        kind=Span.SPAN_KIND_CLIENT,
        events=((step.name, step.end_mono_ns) for step in connect.steps),
        error_type=connect.error_type,
    )


def _media(record: CallRecord, scope: RunScope, common: Attributes) -> Span:
    call, media = record.call, record.media
    return make_span(
        scope,
        names.SPAN_NETWORK_MEDIA,
        (call.trace_id, span_id(call.trace_id, names.SPAN_NETWORK_MEDIA), call.span_id),
        (record.connect.end_mono_ns, record.end_mono_ns),
        {
            **common,
            **_peer(record.connect),
            names.NETWORK_RTT: media.rtt_s,
            names.NETWORK_JITTER: media.jitter_s,
            names.NETWORK_JITTER_RFC3550: media.jitter_rfc3550_s,
            names.NETWORK_LOSS_RATIO: media.loss_ratio,
            # Messages of a stream are no packets: where nothing can be lost, none are counted.
            names.NETWORK_PACKETS_RECEIVED: media.messages_received
            if media.packets_lost is not None
            else None,
            names.NETWORK_PACKETS_LOST: media.packets_lost,
            names.NETWORK_CADENCE: media.cadence_s,
        },
    )


def _peer(connect: ConnectRecord) -> Attributes:
    return {
        names.NETWORK_TRANSPORT: connect.transport,
        names.NETWORK_PROTOCOL_NAME: connect.protocol,
        names.SERVER_ADDRESS: connect.server_address,
        names.SERVER_PORT: connect.server_port,
    }


def _call_start(record: CallStartRecord, scope: RunScope) -> Span:
    call = record.call
    span = make_span(
        scope,
        names.SPAN_CALL_START,
        (call.trace_id, span_id(call.trace_id, names.SPAN_CALL_START), call.span_id),
        (record.at_mono_ns, record.at_mono_ns),
        _call_attributes(call, record.load)
        | {names.CALL_INDEX: call.call_index, names.SCENARIO_NAME: call.scenario},
    )
    link_to_run(span, scope)
    return span


def _call_attributes(call: CallIdentity, load: LoadContext) -> dict[str, Scalar | None]:
    return {
        names.PHASE_NAME: load.phase,
        names.STAGE_INDEX: load.stage_index,
        names.CONCURRENCY_TARGET: load.concurrency_target,
        names.CONCURRENCY_LOCAL: load.concurrency_local,
        names.SESSION_ID: call.call_id,
        names.CONVERSATION_ID: call.call_id,
        names.CALL_ID: call.call_id,
    }
