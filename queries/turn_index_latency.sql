-- title: Latency by the number of the turn in its call
-- question: Does an answer take longer the later it comes in a call, and does load make that worse?
-- columns: level_no, level, turn_from, turn_to, samples, p50_s, p95_s, unattributed_p50_s
-- reads: slot_levels, turn_facts
-- Latency compounds where each turn carries the ones before it: a growing prompt, a queue of one's
-- own. Turns are numbered from 1 and put together by doubling: 1, 2, 3-4, 5-8 and so on. The first one
-- of a call pays for connections. Percentiles of fewer than 6 turns are not told.
select
    level_no,
    level,
    turn_from::integer as turn_from,
    turn_to::integer as turn_to,
    samples,
    if(samples < 6, null, p[1]) as p50_s,
    if(samples < 6, null, p[2]) as p95_s,
    if(samples < 6, null, rest_s) as unattributed_p50_s
from (
    select
        s.level_no,
        any_value(s.level) as level,
        if(t.turn_index <= 0, 0, floor(log2(t.turn_index)) + 1) as doubled,
        min(t.turn_index) + 1 as turn_from,
        max(t.turn_index) + 1 as turn_to,
        count(*)::integer as samples,
        quantile_cont(t.response_latency_s, [0.50, 0.95]) as p,
        quantile_cont(t.unattributed_s, 0.50) as rest_s
    from slot_levels s
    join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and not t.held_up and t.response_latency_s is not null
    group by s.level_no, doubled
)
order by level_no, turn_from
