-- title: Latency by the value of an attribute
-- question: Which provider, model, scenario or whatever else spans name is the slow one?
-- columns: component, value, level_no, level, samples, p50_s, p95_s, error_rate, open_from_s
-- reads: slot_levels, turn_facts, component_turns, component_observations, turn_records, calls, run_spans, raw_resources
-- $attribute is the name of an OTLP attribute. It is looked for on the span of the work and its
-- resource, on the turn's span and on the call's, in this order; of whom nobody says it is `unknown`.
-- `turn` is the whole turn, and has the value of its work where all of that has the same. A row
-- without a level is of all levels. Percentiles of fewer than 6 turns are not told.
with told as (
    select
        s.trace_id,
        s.span_id,
        s.name,
        coalesce(
            s.attributes ->> ('$."' || $attribute || '"'),
            case $attribute
                when 'voiceload.phase.name' then s.phase
                when 'voiceload.stage.index' then s.stage_index::varchar
                when 'voiceload.component.source' then s.component_source
                when 'voiceload.call.outcome' then s.call_outcome
                when 'voiceload.turn.outcome' then s.turn_outcome
                when 'error.type' then s.error_type
                when 'service.name' then s.service_name
            end,
            if(s.component is null, null, r.said)
        ) as value
    from run_spans s
    left join (
        select resource_id, any_value(attributes ->> ('$."' || $attribute || '"')) as said
        from raw_resources
        group by resource_id
    ) r using (resource_id)
    where s.run_id = $run_id and value is not null
),
of_work as (
    select o.call_id, o.turn_index, o.component, max_by(d.value, o.start_ns) as value
    from component_observations o
    join told d using (trace_id, span_id)
    where o.run_id = $run_id
    group by all
),
of_turn as (
    select call_id, turn_index, any_value(value) as value
    from (
        select m.call_id, m.turn_index, d.value
        from turn_records m
        join told d using (trace_id, span_id)
        where m.run_id = $run_id
        union all
        select call_id, turn_index, min(value) from of_work
        group by call_id, turn_index having min(value) = max(value)
    )
    group by all
),
of_call as (
    select c.call_id, any_value(d.value) as value
    from calls c
    join told d on d.trace_id = unhex(c.trace_id) and d.name in ('call', 'conversation')
    where c.run_id = $run_id
    group by all
),
work as (
    select component, call_id, turn_index, start_ns, first, latency_s, failed, cut_off
    from component_turns
    where run_id = $run_id and latency_s >= 0
    union all
    select 'turn', call_id, turn_index, start_ns, first, response_latency_s, censored, censored
    from turn_facts
    where run_id = $run_id and response_latency_s >= 0 and not held_up
),
valued as (
    select
        w.component,
        coalesce(o.value, t.value, c.value, 'unknown') as value,
        s.level_no,
        s.level,
        w.latency_s,
        w.failed,
        w.cut_off
    from slot_levels s
    join work w on w.start_ns // 250000000 = s.slot
    left join of_work o using (call_id, turn_index, component)
    left join of_turn t on w.component = 'turn' and t.call_id = w.call_id
        and t.turn_index = w.turn_index
    left join of_call c on c.call_id = w.call_id
    where s.run_id = $run_id and s.counts and (s.keeps_first or not coalesce(w.first, false))
)
select
    component,
    value,
    level_no,
    level,
    samples,
    if(samples < 6, null, if(isfinite(most[1]), most[1], least[1])) as p50_s,
    if(samples < 6, null, if(isfinite(most[2]), most[2], greatest(least[2], p50_s))) as p95_s,
    error_rate,
    case when not isfinite(most[1]) then p50_s when not isfinite(most[2]) then p95_s end
        as open_from_s
from (
    select
        component,
        value,
        level_no,
        level,
        count(*)::integer as samples,
        quantile_cont(latency_s, [0.50, 0.95]) as least,
        quantile_cont(if(cut_off, 'inf'::double, latency_s), [0.50, 0.95]) as most,
        avg(failed::integer) as error_rate
    from valued
    group by grouping sets ((component, value, level_no, level), (component, value))
)
order by component, value, level_no nulls first
