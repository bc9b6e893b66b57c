-- title: Turns served per block: component x level x block
-- question: How many turns a second does each component finish at each level of load?
-- columns: component, level_no, block, finished, ended
-- reads: slot_levels, turn_facts, component_turns, raw_rollup_throughput
-- Counted when the work ended, first turns too: a full component finishes what it can, whoever asks.
-- `ended` counts what failed or was given up as well: it had been waiting inside like the rest.
with work as (
    select run_id, component, done_ns, served from component_turns where run_id = $run_id
    union all
    select run_id, 'turn', end_ns, not censored from turn_facts
    where run_id = $run_id and response_latency_s >= 0
)
select
    component::varchar as component,
    level_no,
    block,
    sum(finished)::integer as finished,
    sum(ended)::integer as ended
from (
    select
        w.component, s.level_no, s.block,
        count(*) filter (w.served) as finished, count(*) as ended
    from slot_levels s
    join work w on w.run_id = s.run_id and w.done_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts
    group by all
    union all
    select component, level_no, block, finished, ended
    from raw_rollup_throughput
    semi join slot_levels using (run_id, level_no, block)
    where run_id = $run_id
)
group by component, level_no, block
order by component, level_no, block
