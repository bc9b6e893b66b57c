-- Every span as often as it was received, with the run it belongs to. `split`: two recordings have seen
-- its trace.
create view received_spans as
select
    s.*,
    coalesce(r.run_id, t.run_id) as run_id,
    r.service_name,
    coalesce(t.split, false) as split
from raw_spans s
left join known_resources r using (resource_id)
left join trace_runs t using (trace_id);
