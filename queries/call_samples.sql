-- title: Every call's fate
-- question: How did the calls end, and how did connecting, greeting and the media go?
-- columns: call, outcome, connected, greeting_s, connect_s, jitter_s, loss_ratio, packets_lost, packets_received, level_no, phase, scenario, transport
-- reads: calls, slot_levels
-- A call counts for the level at which it ended.
select
    row_number() over (order by c.started_ns, c.call_id) as call,
    coalesce(c.outcome, 'unfinished') as outcome,
    c.connected,
    c.greeting_latency_s as greeting_s,
    c.connect_s,
    c.jitter_s,
    c.loss_ratio,
    c.packets_lost,
    c.packets_received,
    s.level_no,
    coalesce(c.phase, '') as phase,
    coalesce(c.scenario, '') as scenario,
    coalesce(c.transport, '') as transport
from calls c
left join slot_levels s on s.run_id = c.run_id and s.slot = c.ended_ns // 250000000
where c.run_id = $run_id and not coalesce(s.limited, false)
    and ($since_ns::bigint is null or c.ended_ns >= $since_ns)
    and ($until_ns::bigint is null or c.ended_ns < $until_ns)
