-- What figures need of component_observations, and no more: it is read several times, and of ten
-- million spans each column more is memory.
create view component_work as
select
    run_id, call_id, turn_index, component, attempt, source, error_type, start_ns, end_ns, first_ns,
    latency_s, busy_s, queue_s
from component_observations;
