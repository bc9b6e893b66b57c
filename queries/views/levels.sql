-- The levels of load and how turns fared at each: the unit of evidence.
create view levels as
with spans_of_time as (
    select
        run_id,
        level_no,
        any_value(level) as level,
        min(stage_index) as stage_index,
        any_value(phase) as phase,
        min(slot) as first_slot,
        max(slot) + 1 as last_slot,
        avg(calls) filter (counts) as calls_held,
        count(*) filter (counts) * 0.25 as counted_s,
        any_value(kind) as kind,
        bool_or(limited) as limited
    from slot_levels
    group by run_id, level_no
),
heard as (
    select
        run_id,
        level_no,
        count(response_latency_s) as turns,
        quantile_cont(response_latency_s, [0.50, 0.95, 0.99]) as p,  -- sorted once
        count(*) filter (censored) as no_response
    from (
        select s.run_id, s.level_no, t.response_latency_s, t.censored
        from slot_levels s
        join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
        where s.counts and not t.held_up and (s.keeps_first or not coalesce(t.first, false))
        union all
        select run_id, level_no, latency_s, failed from rolled_turns
        where component = 'turn' and counts_late
    )
    group by run_id, level_no
),
ended as (
    select
        s.run_id,
        s.level_no,
        count(*) filter (connected and outcome <> 'aborted_by_us') as judged,
        count(*) filter (outcome in ('completed', 'transferred')) as natural_end,
        count(*) filter (outcome <> 'aborted_by_us') as attempts,
        avg(jitter_s) as jitter_s,
        sum(packets_lost) / nullif(sum(packets_lost) + sum(packets_received), 0) as loss
    from slot_levels s
    join calls c on c.run_id = s.run_id and c.ended_ns // 250000000 = s.slot
    group by s.run_id, s.level_no
)
select
    w.run_id,
    w.level,
    w.stage_index,
    make_timestamp(w.first_slot * 250000) as started,
    make_timestamp(w.last_slot * 250000) as ended,
    w.level as calls_asked,
    w.calls_held,
    coalesce(h.turns, 0)::integer as turns,
    h.p[1] as p50_s,
    h.p[2] as p95_s,
    h.p[3] as p99_s,
    coalesce(h.no_response, 0)::integer as no_response,
    e.natural_end / nullif(e.judged, 0) as completion,
    h.no_response / nullif(h.turns, 0) as error_rate,
    e.jitter_s,
    e.loss,
    not w.limited and coalesce(h.turns, 0) >= 6 as valid,
    case
        when w.limited then 'the generator was the limit'
        when coalesce(h.turns, 0) < 6 then 'fewer than 6 turns after the warm-up cut'
    end as excluded_why,
    w.phase,
    w.kind,
    w.level_no,
    w.counted_s,
    coalesce(e.judged, 0)::integer as calls_ended,
    coalesce(e.natural_end, 0)::integer as natural_end
from spans_of_time w
left join heard h using (run_id, level_no)
left join ended e using (run_id, level_no);
