-- Which level each 0.25 s of a run belongs to, and whether it counts. Levels are held stages
-- (`held_levels`); ramps that go up, calls that arrive by themselves and runs without stages give
-- quarter-octave bins.
-- After a step the system settles: max(5 s, 15 %) of a long hold is cut, one turn cycle of a short
-- one. On the way down the backlog of the peak drains into the lower level: only what begins after
-- every older turn was answered counts. What the generator spoiled (`limited_slots`) never does.
-- Of a run whose turns were rolled up the cuts are those that all its turns had given.
create view slot_levels as
with cycles as (
    select
        run_id,
        coalesce(
            median(cycle_s) filter (concurrency <= 1.5 * lowest), median(cycle_s), 5
        ) as cycle_s
    from turn_facts
    join (select run_id, min(concurrency) filter (concurrency > 0) as lowest from turn_facts group by run_id)
        using (run_id)
    group by run_id
),
drained as (
    select i.run_id, i.level_no, max(t.end_ns) as drained_ns
    from held_levels i
    join turn_facts t on t.run_id = i.run_id and t.start_ns < i.started_ns and t.end_ns > i.started_ns
    where i.comes_down and not t.censored and t.response_latency_s is not null
    group by i.run_id, i.level_no
),
windows as (
    select
        i.*,
        greatest(1.0, (i.ended_ns - i.started_ns) / 6e9) as block_s,
        coalesce(r.counts_from_ns, greatest(
            i.started_ns + round(1e9 * least(
                0.5 * hold_s, greatest(0.15 * hold_s, least(5.0, c.cycle_s))
            ))::bigint,
            coalesce(d.drained_ns, 0)
        )) as counts_from_ns
    from (select *, (ended_ns - started_ns) / 1e9 as hold_s from held_levels) i
    left join cycles c using (run_id)
    left join drained d using (run_id, level_no)
    left join rolled_levels r using (run_id, level_no)
),
in_holds as (
    select
        n.run_id, n.slot, n.calls, w.level_no, w.level, 'held' as kind, w.level_no as stage_index,
        w.phase, w.limited,
        n.slot * 250000000 >= w.counts_from_ns
            and (not w.comes_down or n.calls <= 1.15 * w.level + 1) as counts,
        floor((n.slot * 0.25 - w.started_ns / 1e9) / w.block_s)::integer as block,
        w.comes_down,
        w.counts_from_ns
    from concurrency n
    join windows w on w.run_id = n.run_id
        and n.slot * 250000000 >= w.started_ns and n.slot * 250000000 < w.ended_ns
),
rising as (
    select
        n.run_id, n.slot, n.calls, s.stage_index, s.phase,
        coalesce(h.generator_limited, false) as limited
    from concurrency n
    left join stages s on s.run_id = n.run_id
        and n.slot * 250000000 >= s.started_ns and n.slot * 250000000 < s.ended_ns
    left join stage_health h on h.run_id = s.run_id and h.stage_index = s.stage_index
    where n.calls > 0
        and (
            s.calls_to > s.calls_from or s.arrivals is not null
            or n.run_id not in (select run_id from stages)
        )
),
slots as (
    select * from in_holds
    union all
    select
        run_id,
        slot,
        calls,
        10000 + round(4 * log2(calls))::integer,
        round(power(2, round(4 * log2(calls)) / 4), 1),
        'bin',
        stage_index,
        phase,
        limited,
        true,
        slot // 20,
        false,
        null
    from rising
),
-- First turns of calls pay for connections and are left out of latencies, unless next to nobody
-- gets past them: callers who give up on their first turn are the evidence there is.
newcomers as (
    select s.run_id, s.level_no, 4 * count(*) filter (not coalesce(t.first, false)) < count(*) as most
    from slots s
    join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.counts and t.response_latency_s is not null
    group by s.run_id, s.level_no
)
select
    slots.* exclude (comes_down) replace (slots.counts and l.slot is null as counts),
    coalesce(r.keeps_first, newcomers.most and not slots.comes_down, false) as keeps_first
from slots left join newcomers using (run_id, level_no)
left join rolled_levels r using (run_id, level_no)
left join limited_slots l using (run_id, slot);
