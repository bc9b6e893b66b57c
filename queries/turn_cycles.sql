-- title: Turn cycles per call and level
-- question: How often does a call that nothing holds up take a turn?
-- columns: level_no, call, cycles, sum_s
-- reads: slot_levels, turn_facts, call_names, raw_rollup_cycles
-- From one end of the caller's speech to the next within a call, and from the last one of a call
-- round to the first of the next in its place: without these, whoever thinks between turns seems to
-- ask more rarely than they do. Counted where the cycle ended, so that long ones are not missed in a
-- short level.
with heard as (
    select
        s.level_no, t.call_id, count(t.cycle_s) + count(t.handover_s) as cycles,
        coalesce(sum(t.cycle_s), 0) + coalesce(sum(t.handover_s), 0) as sum_s
    from slot_levels s
    join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and coalesce(t.cycle_s, t.handover_s) is not null
    group by all
)
select
    level_no,
    -- By name, which is all that is left of calls whose turns were rolled up.
    dense_rank() over (order by name) as call,
    sum(cycles)::integer as cycles,
    sum(sum_s) as sum_s
from (
    select heard.level_no, n.name, heard.cycles, heard.sum_s
    from heard
    join call_names n using (call_id)
    union all
    select level_no, call_id, cycles, sum_s
    from raw_rollup_cycles
    semi join slot_levels using (run_id, level_no)
    where run_id = $run_id
)
group by level_no, name
order by level_no, call
