-- One row per call. A call without a span of its own (its generator died, or it is still going on)
-- ends at its last sign of life and says so in `closed_by`; its outcome is then not known. So does one
-- whose span ends before it begins: taken at its word, nobody would have called.
create view calls as
select
    run_id,
    call_id,
    lower(hex(trace_id)) as trace_id,
    coalesce(span_stage_index, first_stage_index) as stage_index,
    coalesce(span_phase, first_phase) as phase,
    make_timestamp((started_ns - round(1e9 * delay_s)::bigint) // 1000) as scheduled,
    make_timestamp(started_ns // 1000) as started,
    make_timestamp(ended_ns // 1000) as ended,
    outcome,
    nullif(attributes ->> '$."voiceload.call.end_reason"', '') as end_reason,
    coalesce(try_cast(attributes ->> '$."voiceload.call.turn_count"' as integer), turns_seen) as turn_count,
    if(end_ns is null, 'last_sign', 'end_span') as closed_by,
    error_type,
    -- Media was up: refused and failed connections never weigh on the target as a call.
    media_up_ns is not null
        or coalesce(outcome, '') not in ('refused', 'negotiation_failed') as connected,
    connect_s,
    try_cast(attributes ->> '$."voiceload.call.greeting_latency"' as decimal(28, 20))::double
        as greeting_latency_s,
    attributes ->> '$."voiceload.scenario.name"' as scenario,
    connect_attributes ->> '$."network.transport"' as transport,
    try_cast(media_attributes ->> '$."voiceload.network.jitter"' as decimal(28, 20))::double as jitter_s,
    try_cast(media_attributes ->> '$."voiceload.network.loss_ratio"' as decimal(28, 20))::double
        as loss_ratio,
    try_cast(media_attributes ->> '$."voiceload.network.packets_lost"' as bigint) as packets_lost,
    try_cast(media_attributes ->> '$."voiceload.network.packets_received"' as bigint)
        as packets_received,
    started_ns,
    ended_ns,
    coalesce(media_up_ns, started_ns) as media_up_ns
from (
    select
        *,
        coalesce(span_start_ns, first_ns) as started_ns,
        if(span_end_ns >= span_start_ns, span_end_ns, null) as end_ns,
        greatest(coalesce(end_ns, last_ns), coalesce(span_start_ns, first_ns)) as ended_ns,
        coalesce(
            try_cast(attributes ->> '$."voiceload.call.scheduled_delay"' as decimal(28, 20))::double, 0
        ) as delay_s
    from call_spans
);
