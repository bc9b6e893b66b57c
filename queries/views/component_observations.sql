-- Every observation of a component's work, also those that lose against a better source.
-- `joined_by` says how a span was found to belong to its call (see trace_runs); null where it says so
-- itself. The target's own spans belong to the last turn whose speech had begun: its turn number is only a
-- hint, since an agent that is fooled by a pause counts one turn more. Where no caller of ours was
-- there (`heard_runs`) the turns are the target's own, and so is the number.
create view component_observations as
with seen as (
    select * from mapped where role = 'component'
),
named as (
    select
        seen.* exclude (call_id, turn_index),
        coalesce(by_trace.call_id, seen.call_id) as call_id,
        seen.turn_index as turn_hint,
        heard.run_id is null as alone,
        if(
            seen.source = 'target_trace' and (by_trace.call_id is not null or heard.run_id is null),
            w.joined_by, null
        ) as joined_by
    from seen
    left join trace_runs w using (trace_id)
    left join heard_runs heard on heard.run_id = seen.run_id
    -- A trace of many calls says nothing of which one a span belongs to.
    left join (
        select run_id, any_value(call_id) as call_id, unhex(trace_id) as trace_id
        from calls
        group by run_id, trace_id
        having count(*) = 1
    ) by_trace
        on by_trace.run_id = seen.run_id
        and by_trace.trace_id = coalesce(w.call_trace_id, seen.trace_id)
),
ours as (
    select named.* exclude (alone), turn_hint as turn_index
    from named
    where source <> 'target_trace' and turn_hint is not null
),
theirs as (
    select
        n.* exclude (alone),
        coalesce(if(n.alone, n.turn_hint, null), t.turn_index, n.turn_hint) as turn_index
    from (select * from named where source = 'target_trace' or turn_hint is null) n
    asof left join turn_spans t
        on n.run_id = t.run_id and n.call_id = t.call_id and n.start_ns >= t.speech_start_ns
)
select
    run_id,
    call_id,
    turn_index,
    component,
    attempt,
    part,
    make_timestamp(start_ns // 1000) as started,
    make_timestamp(end_ns // 1000) as ended,
    -- The latency is the named attribute; the length of a span is something else on most stacks.
    coalesce(latency_s, (end_ns - start_ns) / 1e9) as latency_s,
    busy_s,
    queue_s,
    source,
    joined_by,
    error_type,
    service_name,
    trace_id,
    span_id,
    start_ns,
    end_ns,
    start_ns + round(1e9 * coalesce(latency_s, (end_ns - start_ns) / 1e9))::bigint as first_ns
from (select * from ours union all by name select * from theirs)
where call_id is not null and turn_index is not null;
