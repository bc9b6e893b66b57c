-- Exactly one row per call, turn, component and attempt. The network's way there and back are one
-- row: both are its latency. Of other components' double accounts the last one stands, which is the
-- one that answered when an agent took a pause for the end and began again.
create view component_spans as
with single as (
    select
        run_id,
        call_id,
        turn_index,
        component,
        attempt,
        place,
        if(component = 'network', min(start_ns), max(start_ns)) as start_ns,
        if(component = 'network', max(end_ns), max_by(end_ns, start_ns)) as end_ns,
        if(component = 'network', max(first_ns), max_by(first_ns, start_ns)) as first_ns,
        if(component = 'network', sum(latency_s), max_by(latency_s, start_ns)) as latency_s,
        max_by(busy_s, start_ns) as busy_s,
        max_by(queue_s, start_ns) as queue_s,
        max_by(source, start_ns) as source,
        max_by(error_type, start_ns) as error_type
    from component_chosen
    group by run_id, call_id, turn_index, component, attempt, place
),
after_others as (
    select
        *,
        -- Self time: what is left of a span when earlier components' work is taken off, before it
        -- and after it. Frameworks nest; without this the one that waits looks as slow as the one
        -- it waits for.
        min(start_ns) filter (place > 0) over earlier as others_begin_ns,
        max(first_ns) filter (place > 0) over earlier as others_done_ns
    from single
    window earlier as (
        partition by run_id, call_id, turn_index order by place
        range between unbounded preceding and 1 preceding
    )
)
select
    s.run_id,
    s.call_id,
    s.turn_index,
    s.component,
    s.attempt,
    make_timestamp(s.start_ns // 1000) as started,
    make_timestamp(s.end_ns // 1000) as ended,
    s.latency_s,
    case
        when s.latency_s < 0 then null
        when s.place = 0 then s.latency_s
        when s.others_done_ns is null then greatest(0, s.first_ns - s.start_ns) / 1e9
        else (
            greatest(0, least(s.first_ns, s.others_begin_ns) - s.start_ns)
            + greatest(0, s.first_ns - greatest(s.start_ns, s.others_done_ns))
        ) / 1e9
    end as self_s,
    s.busy_s,
    s.source,
    s.error_type,
    c.calls as concurrency,
    s.queue_s,
    s.place,
    s.start_ns,
    s.end_ns,
    s.first_ns,
    s.others_begin_ns,
    s.others_done_ns
from after_others s
left join concurrency c on c.run_id = s.run_id and c.slot = s.start_ns // 250000000;
