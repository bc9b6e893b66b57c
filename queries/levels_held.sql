-- title: Levels that a run held
-- question: When was each level of load held, over the whole run, whatever part of it is asked about?
-- columns: level_no, level, phase, started_ns, ended_ns
-- reads: held_levels
-- For reports of a window (`--since`, `--until`): what lies outside of it is known from here. Ramps
-- and runs without stages hold no level.
select level_no, level, coalesce(phase, '') as phase, started_ns, ended_ns
from held_levels
where run_id = $run_id and not limited
order by started_ns, level_no
