-- One row per call, turn and component: all attempts together, waits between them included, are
-- what the component cost the turn. Beside the observed components stands what none explains.
create view component_turns as
with attempts as (
    select
        *,
        bool_and(error_type is not distinct from 'cancelled') over (
            partition by run_id, call_id, turn_index, component
        ) as given_up
    from component_spans
),
whole as (
    select
        run_id,
        call_id,
        turn_index,
        component,
        any_value(source) as source,
        count(*) as attempts,
        count(*) filter (error_type is not null and error_type <> 'cancelled') as failed_attempts,
        count(*) filter (error_type is null) > 0 as served,
        bool_or(given_up) as given_up,
        sum(busy_s) as busy_s,
        sum(latency_s) as summed_s,
        min(latency_s) < 0 as impossible,
        any_value(place) as place,
        min(start_ns) as start_ns,
        max(first_ns) as done_ns,
        min(others_begin_ns) as others_begin_ns,
        max(others_done_ns) as others_done_ns
    from attempts
    -- Work that was given up is no failure, and beside a later attempt it is no latency either. But
    -- where nothing else came of the turn, the caller waited at least that long for it.
    where given_up or error_type is distinct from 'cancelled'
    group by run_id, call_id, turn_index, component
)
select
    w.run_id,
    w.call_id,
    w.turn_index,
    w.component,
    w.source,
    if(w.place = 0, w.summed_s, (w.done_ns - w.start_ns) / 1e9) as latency_s,
    case
        when w.place = 0 then w.summed_s
        when w.others_done_ns is null then (w.done_ns - w.start_ns) / 1e9
        else (
            greatest(0, least(w.done_ns, w.others_begin_ns) - w.start_ns)
            + greatest(0, w.done_ns - greatest(w.start_ns, w.others_done_ns))
        ) / 1e9
    end as self_s,
    w.busy_s,
    w.attempts,
    w.failed_attempts,
    w.failed_attempts > 0 as failed,
    w.served,
    t.first,
    t.start_ns,
    w.done_ns,
    w.start_ns as work_start_ns
from whole w
join turns t using (run_id, call_id, turn_index)
where not w.impossible and w.done_ns >= w.start_ns
    and (not w.given_up or t.response_latency_s is not null)  -- hung up by us: says nothing
union all
select
    run_id, call_id, turn_index, 'unattributed', null, unattributed_s, unattributed_s, null,
    1, 0, false, true, first, start_ns, end_ns, start_ns
from turns
where unattributed_s is not null;
