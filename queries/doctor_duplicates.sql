-- title: Doctor: duplicates
-- question: Is each attempt of each component told once?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: component_observations
with told as (
    select component || ' from ' || source as subject, count(*) - 1 as more
    from component_observations
    where run_id = $run_id and component <> 'network'
    group by call_id, turn_index, component, attempt, source
)
select
    subject,
    count(*) as checked,
    count(*) filter (more > 0) as faulty,
    case when count(*) filter (more > 0) = 0 then 'ok'
        when count(*) filter (more > 0) > 0.05 * count(*) then 'fail' else 'warn' end as verdict,
    if(sum(more) = 0, 'once each', format('{} accounts too many', sum(more)::bigint)) as found,
    if(sum(more) = 0, 'nothing', 'all accounts of an attempt but the last') as left_out
from told
group by subject
order by subject
