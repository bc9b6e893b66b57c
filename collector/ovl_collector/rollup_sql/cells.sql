-- What is left of a run's raw spans after retention: one row per minute, load, component and eighth
-- of an octave of latency. Additive over segments, so each file is rolled up by itself. A component
-- span that carries no run id (the target's own) belongs to the run of its trace.
create table segment.rollup_cells as
with traces as (
    select s.trace_id, min(r.run_id) as run_id
    from old.spans s
    join old.resources r using (resource_id)
    where r.run_id is not null
    group by s.trace_id
),
work as (
    select trace_id, start_time_unix_nano, stage_index, phase, concurrency_target, turn_first,
        component, component_source as source, component_latency_s as seconds,
        error_type is not null or status_code = 2 as failed
    from old.spans
    where component is not null and component_latency_s >= 0
    union all
    select trace_id, start_time_unix_nano, stage_index, phase, concurrency_target, turn_first,
        'turn', null, response_latency_s, error_type is not null or status_code = 2
    from old.spans
    where response_latency_s >= 0
)
select
    t.run_id,
    w.stage_index,
    any_value(w.phase) as phase,
    w.concurrency_target,
    w.component,
    w.source,
    coalesce(w.turn_first, false) as first,
    (w.start_time_unix_nano // 60000000000)::bigint as unix_minute,
    -- The upper edge of bin b is 2 ** (b / 8) seconds; the last one takes what is zero.
    case when w.seconds > 0 then ceil(8 * log2(w.seconds))::integer else -1000 end as bin,
    count(*)::ubigint as spans,
    count(*) filter (w.failed)::ubigint as errors,
    sum(w.seconds) as sum_s,
    sum(w.seconds * w.seconds) as sum_squares
from work w
join traces t using (trace_id)
group by all;
