-- title: Turns before and after every spike
-- question: Which turns does the time to recover rest on? (since_s counts from the end of the spike)
-- columns: stage_index, since_s, latency_s, call, block_s, watched_s
-- reads: stages, turn_facts
-- Before it: the last three quarters of the stage that it jumped up from. After it: the stage that
-- the load came down to. `block_s` is the resolution of `spike_recovery`.
with spikes as (
    select
        s.run_id,
        s.stage_index,
        s.started_ns,
        s.ended_ns,
        b.started_ns + (b.ended_ns - b.started_ns) // 4 as before_from_ns,
        a.ended_ns as after_ended_ns,
        greatest(2.0, (a.ended_ns - a.started_ns) / 12e9) as block_s
    from stages s
    join stages b on b.run_id = s.run_id and b.stage_index = s.stage_index - 1
    join stages a on a.run_id = s.run_id and a.stage_index = s.stage_index + 1
        and a.calls_to < s.calls_to
    where s.run_id = $run_id and s.spike
)
select
    s.stage_index,
    (t.start_ns - s.ended_ns) / 1e9 as since_s,
    t.response_latency_s as latency_s,
    dense_rank() over (order by t.call_id) as call,
    s.block_s,
    (s.after_ended_ns - s.ended_ns) / 1e9 as watched_s
from spikes s
join turn_facts t on t.run_id = s.run_id and t.start_ns >= s.before_from_ns
    and t.start_ns < s.after_ended_ns
    and (t.start_ns < s.started_ns or t.start_ns >= s.ended_ns)
where t.response_latency_s is not null and not t.held_up
order by s.stage_index, since_s, call
