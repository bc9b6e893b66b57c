-- Which turns leave with the file `old`: those whose span it holds and no other file does. The last
-- turn of a call without an end stays, since that is where the call is taken to have ended.
create temp table going as
select t.run_id, t.call_id, t.turn_index, t.trace_id, t.span_id
from turns t
join (
    select trace_id, span_id from old.spans where component is null
    except
    select trace_id, span_id from elsewhere
) here using (trace_id, span_id)
left join calls c using (run_id, call_id)
qualify coalesce(c.closed_by = 'end_span', false)
    or t.turn_index < max(t.turn_index) over (partition by t.run_id, t.call_id);
-- Spans of `old` that stay: of runs, stages and calls, and of turns that do not go.
create temp table staying as
select trace_id, span_id from run_spans where name in ('run', 'run.start', 'stage', 'stage.start')
union
select trace_id, span_id from mapped where role in ('call', 'call_start', 'connect', 'media')
union
select trace_id, span_id from turns anti join going using (run_id, call_id, turn_index)
union
select o.trace_id, o.span_id
from component_observations o
join (
    select run_id, call_id, turn_index from turns
    anti join going using (run_id, call_id, turn_index)
) using (run_id, call_id, turn_index);
