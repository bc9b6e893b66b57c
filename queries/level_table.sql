-- title: Levels of load
-- question: How did turns and calls fare at each level of load, and which levels count?
-- columns: level, level_no, stage_index, phase, calls_asked, calls_held, turns, p50_s, p95_s, p99_s, no_response, completion, error_rate, valid, excluded_why, started
-- reads: levels
select
    level, level_no, stage_index, phase, calls_asked, calls_held, turns, p50_s, p95_s, p99_s,
    no_response, completion, error_rate, valid, excluded_why, started
from levels
where run_id = $run_id
order by started, level_no
