-- title: How long the target needed to recover from every spike
-- question: When was the wait back at what it was before the spike?
-- columns: stage_index, recovery_s, resolution_s, watched_s
-- reads: stages, turn_facts
-- Counted from the end of the spike in blocks of at least 2 s, 12 of them at most: until the first one
-- whose p95, and that of the one after it, is within a quarter of what it was before. NULL: that was
-- not seen within `watched_s`, the time for which the load was held low again.
with spikes as (
    select
        s.*,
        b.started_ns + (b.ended_ns - b.started_ns) // 4 as before_from_ns,
        a.ended_ns as after_ended_ns,
        greatest(2.0, (a.ended_ns - a.started_ns) / 12e9) as block_s
    from stages s
    join stages b on b.run_id = s.run_id and b.stage_index = s.stage_index - 1
    join stages a on a.run_id = s.run_id and a.stage_index = s.stage_index + 1
        and a.calls_to < s.calls_to
    where s.run_id = $run_id and s.spike
),
before_it as (
    select s.stage_index, quantile_cont(t.response_latency_s, 0.95) as p95_s
    from spikes s
    join turn_facts t on t.run_id = s.run_id and t.start_ns >= s.before_from_ns
        and t.start_ns < s.started_ns
    where t.response_latency_s is not null and not t.held_up
    group by s.stage_index
),
blocks as (
    select
        s.stage_index,
        floor((t.start_ns - s.ended_ns) / 1e9 / s.block_s) as block,
        quantile_cont(t.response_latency_s, 0.95) as p95_s
    from spikes s
    join turn_facts t on t.run_id = s.run_id and t.start_ns >= s.ended_ns and t.start_ns < s.after_ended_ns
    where t.response_latency_s is not null and not t.held_up
    group by s.stage_index, block
),
recovered as (
    select b.stage_index, min(b.block) as block
    from (
        select
            b.stage_index,
            b.block,
            b.p95_s <= 1.25 * h.p95_s as back,
            lead(b.p95_s) over w <= 1.25 * h.p95_s as stays
        from blocks b
        join before_it h using (stage_index)
        window w as (partition by b.stage_index order by b.block)
    ) b
    where back and coalesce(stays, true)
    group by b.stage_index
)
select
    s.stage_index,
    r.block * s.block_s as recovery_s,
    s.block_s as resolution_s,
    (s.after_ended_ns - s.ended_ns) / 1e9 as watched_s
from spikes s
left join recovered r using (stage_index)
order by s.stage_index
