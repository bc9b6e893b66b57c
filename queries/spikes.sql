-- title: What every spike did
-- question: How fast did the load jump, what of that was the generator, and what did it cost?
-- columns: stage_index, phase, started, calls_before, calls_asked, calls_reached, jump_s, schedule_delay_p95_s, connect_attempts, connect_failures, connect_p50_s, connect_p95_s, queued, rejected, dropped, p95_before_s, p95_s, p95_after_s, limited_share
-- reads: stages, concurrency, calls, turn_facts, component_chosen, limited_slots
-- `jump_s`: until 95 % of the calls asked for had media. `schedule_delay_p95_s` is what our own
-- connect limit and lateness put between the schedule and the first packet of a call; connecting is
-- the target's part. Turns that the generator may have held up (`held_up`) give no latency, and
-- `limited_share` is the part of the spike in which it was the limit. How long the target needed to recover is another question: `spike_recovery`.
with spikes as (
    select
        s.*,
        b.stage_index as before_index,
        b.calls_to as calls_before,
        b.started_ns + (b.ended_ns - b.started_ns) // 4 as before_from_ns,
        a.ended_ns as after_ended_ns
    from stages s
    join stages b on b.run_id = s.run_id and b.stage_index = s.stage_index - 1
    left join stages a on a.run_id = s.run_id and a.stage_index = s.stage_index + 1
        and a.calls_to < s.calls_to
    where s.run_id = $run_id and s.spike
),
stood as (
    select
        s.stage_index,
        max(c.calls) as calls_reached,
        (min(c.slot) filter (c.calls >= 0.95 * s.calls_to) + 1) * 0.25 - any_value(s.started_ns) / 1e9
            as jump_s
    from spikes s
    join concurrency c on c.run_id = s.run_id
        and c.slot >= s.started_ns // 250000000 and c.slot < s.ended_ns // 250000000
    group by s.stage_index
),
connected as (
    select
        s.stage_index,
        count(*) as attempts,
        count(*) filter (not c.connected) as failures,
        count(*) filter (c.outcome = 'refused') as refused,
        quantile_cont(c.connect_s, 0.50) as p50_s,
        quantile_cont(c.connect_s, 0.95) as p95_s,
        quantile_cont(c.started_ns / 1e9 - epoch_us(c.scheduled) / 1e6, 0.95) as delay_p95_s
    from spikes s
    join calls c on c.run_id = s.run_id
        and c.started_ns >= s.started_ns and c.started_ns < s.ended_ns
    group by s.stage_index
),
ended as (
    select s.stage_index, count(*) as dropped
    from spikes s
    join calls c on c.run_id = s.run_id
        and c.ended_ns >= s.started_ns and c.ended_ns < coalesce(s.after_ended_ns, s.ended_ns)
    where c.outcome in ('dropped', 'abandoned', 'silent_agent', 'timed_out')
    group by s.stage_index
),
worked as (
    select
        s.stage_index,
        count(distinct (w.call_id, w.turn_index, w.component, w.attempt))
            filter (w.queue_s > 0.01) as queued,
        count(distinct (w.call_id, w.turn_index, w.component, w.attempt))
            filter (w.error_type is not null and w.error_type <> 'cancelled') as rejected
    from spikes s
    join component_chosen w on w.run_id = s.run_id
        and w.start_ns >= s.started_ns and w.start_ns < s.ended_ns
    group by s.stage_index
),
heard as (
    select
        s.stage_index,
        quantile_cont(t.response_latency_s, 0.95) filter (
            t.start_ns >= s.before_from_ns and t.start_ns < s.started_ns
        ) as p95_before_s,
        quantile_cont(t.response_latency_s, 0.95) filter (
            t.start_ns >= s.started_ns and t.start_ns < s.ended_ns
        ) as p95_s,
        quantile_cont(t.response_latency_s, 0.95) filter (t.start_ns >= s.ended_ns) as p95_after_s
    from spikes s
    join turn_facts t on t.run_id = s.run_id and t.start_ns >= s.before_from_ns
        and t.start_ns < coalesce(s.after_ended_ns, s.ended_ns)
    where t.response_latency_s is not null and not t.held_up
    group by s.stage_index
),
spoiled as (
    select
        s.stage_index,
        count(l.slot) * 0.25 / nullif(any_value(s.ended_ns - s.started_ns) / 1e9, 0) as share
    from spikes s
    left join limited_slots l on l.run_id = s.run_id
        and l.slot >= s.started_ns // 250000000 and l.slot < s.ended_ns // 250000000
    group by s.stage_index
)
select
    s.stage_index,
    s.phase,
    s.started,
    s.calls_before,
    s.calls_to as calls_asked,
    coalesce(g.calls_reached, 0)::integer as calls_reached,
    g.jump_s,
    c.delay_p95_s as schedule_delay_p95_s,
    coalesce(c.attempts, 0)::integer as connect_attempts,
    coalesce(c.failures, 0)::integer as connect_failures,
    c.p50_s as connect_p50_s,
    c.p95_s as connect_p95_s,
    coalesce(w.queued, 0)::integer as queued,
    (coalesce(w.rejected, 0) + coalesce(c.refused, 0))::integer as rejected,
    coalesce(e.dropped, 0)::integer as dropped,
    h.p95_before_s,
    h.p95_s,
    h.p95_after_s,
    least(1.0, o.share) as limited_share
from spikes s
left join stood g using (stage_index)
left join connected c using (stage_index)
left join ended e using (stage_index)
left join worked w using (stage_index)
left join heard h using (stage_index)
left join spoiled o using (stage_index)
order by s.stage_index
