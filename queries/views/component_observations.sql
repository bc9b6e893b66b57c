-- Every observation of a component's work, also those that lose against a better source.
-- `joined_by` says how a span was found to belong to its call (see trace_runs); null where it says so
-- itself, as all do that our own callers tell: nearly all there are. The target's own spans belong to
-- the last turn whose speech had begun: its turn number is only a hint, since an agent that is fooled
-- by a pause counts one turn more. Where no caller of ours was there (`heard_runs`) the turns are the
-- target's own, and so is the number.
create view component_observations as
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
from (
    select *, null::varchar as joined_by
    from mapped
    where role = 'component' and service_name = 'ovl-caller' and source <> 'target_trace'
        and call_id is not null and turn_index is not null
    union all by name
    select * from placed_observations
)
where call_id is not null and turn_index is not null;
