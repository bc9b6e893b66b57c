-- Rolled-up turns as samples to compute bounds from. Which call a turn was of is not known any more:
-- they stand in made-up calls of usual length, the slow ones together, so that bounds come out
-- rather too wide than too narrow.
create view rolled_samples as
with ranked as (
    select
        run_id,
        component,
        if(counts_late, level_no, null) as level_no,
        coalesce(phase, '') as phase,
        coalesce(scenario, '') as scenario,
        latency_s,
        failed,
        interrupted,
        unix_minute,
        row_number() over (
            partition by run_id, component, if(counts_late, level_no, null), phase, scenario
            order by failed, latency_s
        ) as rank
    from rolled_turns
    where not limited
)
select
    r.*,
    concat_ws(' ', 'rolled up', r.level_no, r.phase, r.scenario, r.rank // l.turns_per_call) as call_id
from ranked r
join (
    select run_id, greatest(1, round(avg(turn_count)))::bigint as turns_per_call
    from calls group by run_id
) l using (run_id);
