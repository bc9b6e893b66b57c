-- title: Where component timing came from
-- question: Which source stands behind each component's figures, and for how many turns?
-- columns: component, source, turns
-- reads: component_turns, rolled_cells
select component, coalesce(source, 'derived') as source, sum(turns)::integer as turns
from (
    select component, source, 1 as turns from component_turns where run_id = $run_id
    union all
    select component, source, turns from rolled_cells
    where run_id = $run_id and component not in ('turn', 'audio_gap')
)
group by component, coalesce(source, 'derived')
order by component, turns desc
