-- The observations that count: per call, turn and component one source, never two mixed, since two
-- accounts of the same attempts would count the work twice. Simulated stands alone and comes first, and a
-- source that tells nonsense (`faulty_sources`) comes last.
create view component_chosen as
select
    *,
    case component
        when 'network' then 0 when 'stt' then 1 when 'endpointing' then 2 when 'tool' then 3
        when 'llm' then 4 when 'text_aggregation' then 5 when 'tts' then 6 else 7
    end as place
from (
    select
        o.*,
        case o.source
            when 'simulated' then 0 when 'target_trace' then 1 when 'in_band' then 2
            when 'post_call_api' then 3 when 'caller_estimate' then 4 else 5
        end + if(f.source is null, 0, 10) as precedence
    from component_observations o
    left join faulty_sources f
        on f.run_id = o.run_id and f.component = o.component and f.source = o.source
)
qualify precedence = min(precedence) over (partition by run_id, call_id, turn_index, component);
