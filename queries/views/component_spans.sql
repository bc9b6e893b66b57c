-- Exactly one row per call, turn, component and attempt, with the load that it met. The network's way
-- there and back are one row: both are its latency. Of other components' double accounts the last one
-- stands, which is the one that answered when an agent took a pause for the end and began again.
create view component_spans as
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
from component_selves s
left join concurrency c on c.run_id = s.run_id and c.slot = s.start_ns // 250000000;
