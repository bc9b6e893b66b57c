-- What says that a call took place: its whole span, its start marker, or any other sign of life.
-- `if` and no `filter`, as in turn_work.
create view call_spans as
select
    run_id,
    call_id,
    max_by(trace_id, role = 'call') as trace_id,
    min(if(role = 'call', start_ns, null)) as span_start_ns,
    max(if(role = 'call', end_ns, null)) as span_end_ns,
    min(if(role = 'call_start', start_ns, null)) as media_up_ns,
    min(start_ns) as first_ns,
    max(greatest(start_ns, end_ns)) as last_ns,
    any_value(if(role = 'call', stage_index, null)) as span_stage_index,
    any_value(if(role = 'call', phase, null)) as span_phase,
    min_by(stage_index, start_ns) as first_stage_index,
    min_by(phase, start_ns) as first_phase,
    any_value(if(role = 'call', outcome, null)) as outcome,
    any_value(if(role = 'call', error_type, null)) as error_type,
    any_value(if(role = 'call', attributes, null)) as attributes,
    any_value(if(role = 'connect', attributes, null)) as connect_attributes,
    max(if(role = 'connect', (end_ns - start_ns) / 1e9, null)) as connect_s,
    any_value(if(role = 'media', attributes, null)) as media_attributes,
    count_if(role = 'turn') as turns_seen
from mapped
where role in ('call', 'call_start', 'connect', 'media', 'turn') and call_id is not null
group by run_id, call_id;
