-- One row per call, turn and component: all attempts together, waits between them included, are
-- what the component cost the turn. Beside the observed components stands what none explains.
-- `cut_off`: the caller hung up before it was done, so it would have taken at least so long.
create view component_turns as
with together as (
    -- Work that was given up is no failure, and beside a later attempt it is no latency either. But
    -- where nothing else came of the turn, the caller waited at least that long for it.
    select
        run_id,
        call_id,
        turn_index,
        component,
        any_value(source) as source,
        any_value(place) as place,
        not bool_or(goes_on) as given_up,
        if(given_up, count(*), count(*) filter (goes_on)) as attempts,
        count(*) filter (error_type is not null and goes_on) as failed_attempts,
        count(*) filter (error_type is null) > 0 as served,
        if(given_up, sum(busy_s), sum(busy_s) filter (goes_on)) as busy_s,
        if(given_up, sum(latency_s), sum(latency_s) filter (goes_on)) as summed_s,
        if(given_up, min(latency_s), min(latency_s) filter (goes_on)) < 0 as impossible,
        if(given_up, min(start_ns), min(start_ns) filter (goes_on)) as start_ns,
        if(given_up, max(first_ns), max(first_ns) filter (goes_on)) as done_ns,
        min(others_begin_ns) as others_begin_ns,
        max(others_done_ns) as others_done_ns
    from (
        select *, error_type is distinct from 'cancelled' as goes_on
        from component_selves
        where not orderly
    )
    group by run_id, call_id, turn_index, component
)
select
    run_id,
    call_id,
    turn_index,
    component,
    source,
    coalesce(network_s, (done_ns - start_ns) / 1e9) as latency_s,
    coalesce(network_s, greatest(0, done_ns - greatest(start_ns, others_done_ns)) / 1e9) as self_s,
    busy_s,
    attempts,
    failed >> place & 1 as failed_attempts,
    failed >> place & 1 = 1 as failed,
    (failed | given_up) >> place & 1 = 0 as served,
    given_up >> place & 1 = 1 as cut_off,
    first,
    turn_start_ns as start_ns,
    done_ns,
    start_ns as work_start_ns
from component_alone
where done_ns >= start_ns
    and (given_up >> place & 1 = 0 or response_latency_s is not null)  -- hung up by us: says nothing
union all
select
    w.run_id,
    w.call_id,
    w.turn_index,
    w.component,
    w.source,
    if(w.place = 0, w.summed_s, (w.done_ns - w.start_ns) / 1e9),
    case
        when w.place = 0 then w.summed_s
        when w.others_done_ns is null then (w.done_ns - w.start_ns) / 1e9
        else (
            greatest(0, least(w.done_ns, w.others_begin_ns) - w.start_ns)
            + greatest(0, w.done_ns - greatest(w.start_ns, w.others_done_ns))
        ) / 1e9
    end,
    w.busy_s,
    w.attempts,
    w.failed_attempts,
    w.failed_attempts > 0,
    w.served,
    w.given_up,
    t.first,
    t.start_ns,
    w.done_ns,
    w.start_ns
from together w
join turn_facts t using (run_id, call_id, turn_index)
where not w.impossible and w.done_ns >= w.start_ns
    and (not w.given_up or t.response_latency_s is not null)
    and (w.place > 0 or t.network_s is not null)
union all
select
    run_id, call_id, turn_index, 'unattributed', null, unattributed_s, unattributed_s, null,
    1, 0, false, true, false, first, start_ns, end_ns, start_ns
from turn_facts
where unattributed_s is not null;
