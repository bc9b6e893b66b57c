-- title: Calls that are not counted
-- question: How many calls ended at levels at which the generator was the limit, and at which?
-- columns: level_no, level, calls
-- reads: calls, slot_levels
-- These are in no outcome, completion or percentile: what they met was not what was asked for.
select s.level_no, s.level, count(*)::integer as calls
from calls c
join slot_levels s on s.run_id = c.run_id and s.slot = c.ended_ns // 250000000
where c.run_id = $run_id and s.limited
group by s.level_no, s.level
order by s.level_no
