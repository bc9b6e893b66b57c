-- Who told what of each component: whether a choice has to be made at all is seen here.
create view told_sources as
select
    run_id,
    component,
    source,
    count(*) as told,
    -- What was refused at the door did take no time.
    count(*) filter (latency_s < 0 or latency_s = 0 and error_type is null) as told_nonsense
from component_work
group by run_id, component, source;
