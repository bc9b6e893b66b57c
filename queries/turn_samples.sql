-- title: Every turn's latency
-- question: What are percentiles and their bounds computed from?
-- columns: call, latency_s, censored, interrupted, level_no, phase, scenario, audio_gap_s, unattributed_s
-- reads: turns, calls, slot_levels
-- Turns while the generator was the limit are left out. `level_no` only where a turn counts for a
-- level: after the warm-up cut, and not the first of its call.
select
    dense_rank() over (order by t.call_id) as call,
    t.response_latency_s as latency_s,
    t.censored,
    t.outcome = 'interrupted' as interrupted,
    case when s.counts and (s.keeps_first or not coalesce(t.first, false)) then s.level_no end as level_no,
    coalesce(t.phase, '') as phase,
    coalesce(c.scenario, '') as scenario,
    t.audio_gap_s,
    t.unattributed_s
from turns t
left join calls c using (run_id, call_id)
left join slot_levels s on s.run_id = t.run_id and s.slot = t.start_ns // 250000000
where t.run_id = $run_id and not t.held_up and not coalesce(s.limited, false)
    and ($since_ns::bigint is null or t.start_ns >= $since_ns)
    and ($until_ns::bigint is null or t.start_ns < $until_ns)
