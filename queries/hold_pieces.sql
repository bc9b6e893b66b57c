-- title: Every held level in pieces of time, from its first moment on
-- question: How did each component's own time go on inside one held level?
-- columns: component, level_no, stage_index, phase, level, spike, hold_s, cycle_s, piece, from_s, piece_s, turns, sum_s, sum_squares, errors, started_ns
-- reads: held_levels, stages, limited_slots, turn_facts, component_turns, slot_levels
-- Unlike the cells of a level these begin with the hold: what arrives late is missing just there. As
-- many pieces, of equal length, as give eight turns each, 24 at most. First turns of calls stand apart in
-- every level, so they are left out, and so are levels that the load came down to: what the peak
-- left behind drains into them. `cycle_s` is a turn cycle of the run's lowest load.
with cycle as (
    select coalesce(median(cycle_s) filter (concurrency <= 1.5 * lowest), median(cycle_s), 5) as cycle_s
    from turn_facts
    join (select min(concurrency) filter (concurrency > 0) as lowest from turn_facts where run_id = $run_id)
        on true
    where run_id = $run_id
),
holds as (
    select
        h.level_no,
        h.level::double as level,
        h.phase,
        coalesce(s.spike, false) as spike,
        h.started_ns,
        h.ended_ns,
        (h.ended_ns - h.started_ns) / 1e9 as hold_s
    from held_levels h
    left join stages s on s.run_id = h.run_id and s.stage_index = h.level_no
    where h.run_id = $run_id and not h.comes_down and not h.limited
),
keeps as (
    select level_no, bool_or(keeps_first) as keeps_first
    from slot_levels
    where run_id = $run_id and kind = 'held'
    group by level_no
),
work as (
    select component, start_ns, self_s as seconds, failed, first
    from component_turns
    where run_id = $run_id and self_s >= 0
    union all
    select 'turn', start_ns, response_latency_s, censored, first
    from turn_facts
    where run_id = $run_id and response_latency_s >= 0 and not held_up
),
held as (
    select w.component, w.start_ns, w.seconds, w.failed, h.*
    from holds h
    join keeps k using (level_no)
    join work w on w.start_ns >= h.started_ns and w.start_ns < h.ended_ns
    where (k.keeps_first or not coalesce(w.first, false))
        and w.start_ns // 250000000 not in (select slot from limited_slots where run_id = $run_id)
),
lengths as (
    select level_no, least(24, count(*) // 8) as pieces
    from held
    where component = 'turn'
    group by level_no
    having pieces >= 4
)
select
    component,
    level_no,
    level_no as stage_index,
    any_value(phase) as phase,
    any_value(level) as level,
    any_value(spike) as spike,
    any_value(hold_s) as hold_s,
    (select cycle_s from cycle) as cycle_s,
    least(pieces - 1, floor((start_ns - started_ns) / 1e9 / hold_s * pieces))::integer as piece,
    piece * any_value(hold_s) / pieces as from_s,
    any_value(hold_s) / pieces as piece_s,
    count(*)::integer as turns,
    sum(seconds) as sum_s,
    sum(seconds * seconds) as sum_squares,
    count(*) filter (failed)::integer as errors,
    any_value(started_ns)::bigint as started_ns
from held
join lengths using (level_no)
group by component, level_no, pieces, piece
order by level_no, component, piece
