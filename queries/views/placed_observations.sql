-- The observations that do not say themselves where they belong: the target's own spans, and what stands
-- on nobody's turn. By the words of `component_observations`.
create view placed_observations as
with seen as (
    select *
    from mapped
    where role = 'component' and not coalesce(
        service_name = 'ovl-caller' and source <> 'target_trace' and call_id is not null
            and turn_index is not null, false
    )
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
    asof left join (
        -- Only where somebody's spans need it: the moments of a turn are in JSON.
        select run_id, call_id, turn_index, speech_start_ns from turn_spans
        semi join (
            select distinct run_id from named where source = 'target_trace' or turn_hint is null
        ) using (run_id)
    ) t
        on n.run_id = t.run_id and n.call_id = t.call_id and n.start_ns >= t.speech_start_ns
)
select * from ours
union all by name
select * from theirs;
