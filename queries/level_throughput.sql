-- title: Turns served per block: component x level x block
-- question: How many turns a second does each component finish at each level of load?
-- columns: component, level_no, block, finished, ended
-- reads: slot_levels, turns, component_turns
-- Counted when the work ended, first turns too: a full component finishes what it can, whoever asks.
-- `ended` counts what failed or was given up as well: it had been waiting inside like the rest.
with work as (
    select run_id, component, done_ns, served from component_turns where run_id = $run_id
    union all
    select run_id, 'turn', end_ns, not censored from turns
    where run_id = $run_id and response_latency_s >= 0
)
select
    w.component,
    s.level_no,
    s.block,
    count(*) filter (w.served)::integer as finished,
    count(*)::integer as ended
from slot_levels s
join work w on w.run_id = s.run_id and w.done_ns // 250000000 = s.slot
where s.run_id = $run_id and s.counts
group by w.component, s.level_no, s.block
order by w.component, s.level_no, s.block
