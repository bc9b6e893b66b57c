-- title: Where component timing came from
-- question: Which source stands behind each component's figures, and for how many turns?
-- columns: component, source, turns
-- reads: component_turns
select component, coalesce(source, 'derived') as source, count(*)::integer as turns
from component_turns
where run_id = $run_id
group by component, coalesce(source, 'derived')
order by component, turns desc
