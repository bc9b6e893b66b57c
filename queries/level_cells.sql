-- title: Cells of latency: component x level x block
-- question: How long does each component take at each level of load, block by block of time?
-- columns: component, level_no, block, first, turns, sum_s, sum_squares, errors
-- reads: slot_levels, turn_facts, component_turns, rolled_cells
-- Self times; `turn` is the whole turn as the caller waited, unless the generator held it up. First
-- turns of a call stand apart: they pay for connections that later ones reuse. All later steps of
-- the analysis work on these cells, so their cost does not grow with the number of spans.
with work as (
    select run_id, component, start_ns, self_s as seconds, failed, first from component_turns
    where run_id = $run_id and self_s >= 0
    union all
    select run_id, 'turn', start_ns, response_latency_s, censored, first from turn_facts
    where run_id = $run_id and response_latency_s >= 0 and not held_up
)
select
    component::varchar as component,
    level_no,
    block,
    first,
    sum(turns)::integer as turns,
    sum(sum_s) as sum_s,
    sum(sum_squares) as sum_squares,
    sum(errors)::integer as errors
from (
    select
        w.component,
        s.level_no,
        s.block,
        coalesce(w.first, false) and not s.keeps_first as first,
        count(*) as turns,
        sum(w.seconds) as sum_s,
        sum(w.seconds * w.seconds) as sum_squares,
        count(*) filter (w.failed) as errors
    from slot_levels s
    join work w on w.run_id = s.run_id and w.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts
    group by all
    union all
    select
        component, level_no, block, not counts_late, self_turns, self_sum_s, self_sum_squares,
        if(failed, self_turns, 0)
    from rolled_cells
    where run_id = $run_id and counts and self_turns > 0
)
group by component, level_no, block, first
order by component, level_no, block, first
