-- The observations that count: per call, turn and component one source (see outvoted_sources).
-- `place` is the component's in the order of a turn.
create view component_chosen as
select
    *,
    case component
        when 'network' then 0 when 'stt' then 1 when 'endpointing' then 2 when 'tool' then 3
        when 'llm' then 4 when 'text_aggregation' then 5 when 'tts' then 6 else 7
    end as place
from component_work
anti join outvoted_sources using (run_id, call_id, turn_index, component, source);
