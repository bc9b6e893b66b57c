-- title: Silence inside every reply
-- question: For how long did the agent's audio fail to come while it was speaking?
-- columns: call, audio_gap_s, level_no, phase, scenario
-- reads: turn_said, turn_facts, calls, slot_levels, rolled_samples
-- Of the turns of turn_samples. It stands in the spans' JSON, so it is asked for by itself.
with heard as (
    select
        t.call_id::varchar as call_id,
        g.audio_gap_s,
        case when s.counts and (s.keeps_first or not coalesce(t.first, false)) then s.level_no end
            as level_no,
        coalesce(t.phase, '') as phase,
        coalesce(c.scenario, '') as scenario,
        t.start_ns as at_ns
    from turn_facts t
    join turn_said g on g.run_id = t.run_id and g.call_id = t.call_id and g.turn_index = t.turn_index
    left join calls c on c.run_id = t.run_id and c.call_id = t.call_id
    left join slot_levels s on s.run_id = t.run_id and s.slot = t.start_ns // 250000000
    where t.run_id = $run_id and not t.held_up and not coalesce(s.limited, false)
    union all
    select call_id, latency_s, level_no, phase, scenario, unix_minute * 60000000000
    from rolled_samples
    where run_id = $run_id and component = 'audio_gap'
)
select dense_rank() over (order by call_id) as call, audio_gap_s, level_no, phase, scenario
from heard
where audio_gap_s is not null
    and ($since_ns::bigint is null or at_ns >= $since_ns)
    and ($until_ns::bigint is null or at_ns < $until_ns)
