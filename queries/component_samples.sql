-- title: One component's latency in every turn
-- question: What are a component's percentiles computed from? ($component is llm, stt, ...)
-- columns: call, latency_s, cut_off, level_no, phase, scenario
-- reads: component_turns, turn_facts, calls, slot_levels, rolled_samples
with work as (
    select
        w.call_id,
        w.latency_s,
        w.cut_off,
        case when s.counts and (s.keeps_first or not coalesce(w.first, false)) then s.level_no end
            as level_no,
        coalesce(t.phase, '') as phase,
        coalesce(c.scenario, '') as scenario,
        w.start_ns as at_ns
    from component_turns w
    join turn_facts t using (run_id, call_id, turn_index)
    left join calls c using (run_id, call_id)
    left join slot_levels s on s.run_id = w.run_id and s.slot = w.start_ns // 250000000
    where w.run_id = $run_id and w.component = $component and w.latency_s >= 0
        and not coalesce(s.limited, false)
    union all
    select call_id, latency_s, false, level_no, phase, scenario, unix_minute * 60000000000
    from rolled_samples
    where run_id = $run_id and component = $component and latency_s >= 0
)
select dense_rank() over (order by call_id) as call, latency_s, cut_off, level_no, phase, scenario
from work
where ($since_ns::bigint is null or at_ns >= $since_ns)
    and ($until_ns::bigint is null or at_ns < $until_ns)
