-- Our own spans: the caller's, with the component spans that it derives, and those of the reference
-- agent or of any target that sets `voiceload.component.*` itself.
-- In two parts, since most spans are components' and only the others' attributes and events are read:
-- they are most of the bytes. Whoever asks for one role reads the columns of that part alone.
with ours as not materialized (
    select
        *,
        -- What no clock can have measured (not a number, or weeks) is as impossible as what is below
        -- zero.
        case
            when coalesce(component_latency_s, response_latency_s) between -1e6 and 1e6
                then coalesce(component_latency_s, response_latency_s)
            when coalesce(component_latency_s, response_latency_s) is not null then -1
        end as latency_s
    from run_spans
    where scope_name = 'otel_voiceload'
)
select
    run_id,
    'component' as role,
    session_id as call_id,
    trace_id,
    span_id,
    name as part,
    service_name,
    start_ns,
    end_ns,
    phase,
    stage_index,
    turn_index,
    coalesce(turn_outcome, call_outcome) as outcome,
    coalesce(turn_first, turn_index = 0) as first,
    if(abs(send_delay_s) < 1e6, send_delay_s, null) as send_delay_s,
    component,
    coalesce(component_attempt, 0) as attempt,
    latency_s,
    if(component_busy_s between 0 and 1e6, component_busy_s, null) as busy_s,
    if(component_queue_s between 0 and 1e6, component_queue_s, null) as queue_s,
    component_source as source,
    error_type,
    null::json as attributes,
    null::json as events
from ours
where component is not null and component_source is not null
    and name not in ('network.connect', 'network.media')
union all
select
    run_id,
    case name
        when 'call' then 'call'
        when 'call.start' then 'call_start'
        when 'turn' then 'turn'
        when 'network.connect' then 'connect'
        when 'network.media' then 'media'
    end as role,
    session_id as call_id,
    trace_id,
    span_id,
    name as part,
    service_name,
    start_ns,
    end_ns,
    phase,
    stage_index,
    turn_index,
    coalesce(turn_outcome, call_outcome) as outcome,
    coalesce(turn_first, turn_index = 0) as first,
    if(abs(send_delay_s) < 1e6, send_delay_s, null) as send_delay_s,
    component,
    coalesce(component_attempt, 0) as attempt,
    latency_s,
    if(component_busy_s between 0 and 1e6, component_busy_s, null) as busy_s,
    if(component_queue_s between 0 and 1e6, component_queue_s, null) as queue_s,
    component_source as source,
    error_type,
    case when component is null then attributes end as attributes,
    case when name = 'turn' then events end as events
from ours
where name in ('call', 'call.start', 'turn', 'network.connect', 'network.media')
    and (component is null or component_source is null
        or name in ('network.connect', 'network.media'))
    -- Spans of the agent that only carry its own bookkeeping have none of these names on the
    -- caller's side.
    and (component is not null or service_name is distinct from 'ovl-agent')
