-- What says that a call took place: its whole span, its start marker, or any other sign of life.
create view call_spans as
select
    run_id,
    call_id,
    max_by(trace_id, role = 'call') as trace_id,
    min(start_ns) filter (role = 'call') as span_start_ns,
    max(end_ns) filter (role = 'call') as span_end_ns,
    min(start_ns) filter (role = 'call_start') as media_up_ns,
    min(start_ns) as first_ns,
    max(greatest(start_ns, end_ns)) as last_ns,
    any_value(stage_index) filter (role = 'call') as span_stage_index,
    any_value(phase) filter (role = 'call') as span_phase,
    min_by(stage_index, start_ns) as first_stage_index,
    min_by(phase, start_ns) as first_phase,
    any_value(outcome) filter (role = 'call') as outcome,
    any_value(error_type) filter (role = 'call') as error_type,
    any_value(attributes) filter (role = 'call') as attributes,
    any_value(attributes) filter (role = 'connect') as connect_attributes,
    max((end_ns - start_ns) / 1e9) filter (role = 'connect') as connect_s,
    any_value(attributes) filter (role = 'media') as media_attributes,
    count(*) filter (role = 'turn') as turns_seen
from mapped
where role in ('call', 'call_start', 'connect', 'media', 'turn') and call_id is not null
group by run_id, call_id;
