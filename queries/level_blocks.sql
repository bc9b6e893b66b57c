-- title: Time spent at each level, block by block
-- question: How long was each level of load held, with how many calls, and does it count?
-- columns: level_no, level, kind, stage_index, phase, block, seconds, call_seconds, limited, start_s, start_ns
-- reads: slot_levels, concurrency, stages
-- Not those of a spike: what a sudden crowd meets says little of the level that it is.
select
    level_no,
    any_value(level) as level,
    any_value(kind) as kind,
    min(stage_index) as stage_index,
    any_value(phase) as phase,
    block,
    count(*) * 0.25::double as seconds,
    sum(calls) * 0.25::double as call_seconds,
    bool_or(limited) as limited,
    (min(slot) - (select min(slot) from concurrency where run_id = $run_id)) * 0.25::double
        as start_s,
    min(slot)::bigint * 250000000 as start_ns
from slot_levels
where run_id = $run_id and counts
    and stage_index not in (select stage_index from stages where run_id = $run_id and spike)
group by level_no, block
order by level_no, block
