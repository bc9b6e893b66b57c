-- Every span as OTLP had it, for people's own SQL: hex ids, timestamps, the whole attribute map.
-- The promoted columns are merged back by joining texts: json_merge_patch would drop attributes
-- whose value is the empty AnyValue (null).
create view otel_spans as
with parts as (
    select
        *,
        json_merge_patch('{}', json_object(
            'session.id', session_id,
            'voiceload.phase.name', phase,
            'voiceload.stage.index', stage_index,
            'voiceload.concurrency.target', concurrency_target,
            'voiceload.concurrency.local', concurrency_local,
            'voiceload.call.index', call_index,
            'voiceload.call.outcome', call_outcome,
            'voiceload.turn.index', turn_index,
            'voiceload.turn.outcome', turn_outcome,
            'voiceload.turn.first', turn_first,
            'voiceload.turn.response_latency', response_latency_s,
            'voiceload.turn.send_delay', send_delay_s,
            'voiceload.component.name', component,
            'voiceload.component.attempt', component_attempt,
            'voiceload.component.latency', component_latency_s,
            'voiceload.component.busy', component_busy_s,
            'voiceload.component.queue', component_queue_s,
            'voiceload.component.source', component_source,
            'error.type', error_type
        ))::varchar as promoted,
        coalesce(attributes::varchar, '{}') as rest
    from run_spans
)
select
    run_id,
    lower(hex(trace_id)) as trace_id,
    lower(hex(span_id)) as span_id,
    lower(hex(parent_span_id)) as parent_span_id,
    name,
    case kind
        when 1 then 'INTERNAL' when 2 then 'SERVER' when 3 then 'CLIENT'
        when 4 then 'PRODUCER' when 5 then 'CONSUMER' when 0 then 'UNSPECIFIED'
        else kind::varchar  -- of a newer OTLP
    end as kind,
    make_timestamp_ns(start_ns) as start_time,
    make_timestamp_ns(end_ns) as end_time,
    (end_ns - start_ns) / 1e9 as duration_s,
    case status_code
        when 0 then 'UNSET' when 1 then 'OK' when 2 then 'ERROR' else status_code::varchar
    end as status_code,
    status_message,
    service_name,
    scope_name,
    scope_version,
    case
        when rest = '{}' then promoted
        when promoted = '{}' then rest
        else left(promoted, length(promoted) - 1) || ',' || substr(rest, 2)
    end::json as attributes,
    events,
    links,
    trace_state,
    flags,
    dropped_attributes_count,
    dropped_events_count,
    dropped_links_count,
    resource_id,
    scope_id,
    recording_id,
    batch_id,
    start_time_unix_nano,  -- exact, whatever it says
    end_time_unix_nano
from parts;
