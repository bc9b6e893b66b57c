-- The turns of `going` in the terms of the views, each quantity by the view that reports use.
insert into segment.rollup_cells
with work as (
    select run_id, call_id, turn_index, 'turn' as component, null as source, start_ns,
        response_latency_s as latency_s, response_latency_s as self_s, censored as failed,
        coalesce(outcome = 'interrupted', false) as interrupted, first, phase, held_up
    from turns
    union all
    select run_id, call_id, turn_index, 'audio_gap', null, start_ns,
        audio_gap_s, null, false, false, first, phase, held_up
    from turns
    where audio_gap_s is not null
    union all
    select w.run_id, w.call_id, w.turn_index, w.component, w.source, w.start_ns,
        w.latency_s, w.self_s, w.failed, false, w.first, t.phase,
        w.component = 'unattributed' and t.held_up
    from component_turns w
    join turns t using (run_id, call_id, turn_index)
)
select
    w.run_id,
    w.component,
    w.source,
    s.level_no,
    s.block,
    coalesce(s.counts, false) and not w.held_up as counts,
    coalesce(s.limited, false) or w.held_up as limited,
    coalesce(w.first, false) as first,
    w.phase,
    c.scenario,
    w.start_ns // 60000000000 as unix_minute,
    coalesce(w.failed, false) as failed,
    w.interrupted,
    case when w.latency_s > 0 then floor(32 * log2(w.latency_s))
        when w.latency_s <= 0 then -1000 end::smallint as bucket,
    count(*) as turns,
    sum(w.latency_s) as sum_s,
    count(*) filter (w.self_s >= 0) as self_turns,
    sum(w.self_s) filter (w.self_s >= 0) as self_sum_s,
    sum(w.self_s * w.self_s) filter (w.self_s >= 0) as self_sum_squares
from work w
join going using (run_id, call_id, turn_index)
left join calls c using (run_id, call_id)
left join slot_levels s on s.run_id = w.run_id and s.slot = w.start_ns // 250000000
group by all;

insert into segment.rollup_throughput
with work as (
    select run_id, call_id, turn_index, component, done_ns, served from component_turns
    union all
    select run_id, call_id, turn_index, 'turn', end_ns, not censored from turns
    where response_latency_s >= 0
)
select
    w.run_id, w.component, s.level_no, s.block, count(*) filter (w.served), count(*)
from work w
join going using (run_id, call_id, turn_index)
join slot_levels s on s.run_id = w.run_id and s.slot = w.done_ns // 250000000
where s.counts
group by all;

-- A cycle needs two turns: it is rolled up with the first of them to go. That which leads from a
-- call's last turn to the next call needs the first turn of the call beside the last.
insert into segment.rollup_cycles
select t.run_id, s.level_no, t.call_id, count(*), sum(t.lasting_s)
from (
    select *, turn_index - 1 as other, cycle_s as lasting_s from turns
    union all select *, 0, handover_s from turns
) t
join slot_levels s on s.run_id = t.run_id and s.slot = t.start_ns // 250000000
where s.counts and t.lasting_s is not null and exists (
    from going g
    where g.run_id = t.run_id and g.call_id = t.call_id and g.turn_index in (t.turn_index, t.other)
)
group by all;

insert into segment.rollup_failures
select run_id, component, error_type, count(*)
from component_spans
join going using (run_id, call_id, turn_index)
where error_type is not null and error_type <> 'cancelled'
group by all;

insert into segment.rollup_levels
select run_id, level_no, any_value(counts_from_ns), bool_or(keeps_first)
from slot_levels
where run_id in (select run_id from going)
group by all;

insert into segment.rollup_runs
with removed as (
    select
        t.run_id,
        count(*) filter (r.service_name is not distinct from 'ovl-caller') as of_generator,
        count(*) filter (r.service_name is distinct from 'ovl-caller') as of_others
    from (
        select trace_id, span_id, any_value(resource_id) as resource_id from old.spans
        where (trace_id, span_id) not in (from staying)
            and (trace_id, span_id) not in (from elsewhere)
        group by trace_id, span_id
    ) s
    join trace_runs t using (trace_id)
    left join known_resources r using (resource_id)
    where t.run_id is not null
    group by t.run_id
),
went as (
    select run_id, count(*) as turns, count(*) filter (impossible) as impossible,
        min(start_ns) as first_ns, max(start_ns) as last_ns
    from turns
    join going using (run_id, call_id, turn_index)
    group by run_id
)
select
    run_id, coalesce(turns, 0), coalesce(impossible, 0), of_generator, of_others,
    coalesce(first_ns, 0), coalesce(last_ns, 0)
from removed
left join went using (run_id);
