-- title: Failed attempts by component and reason
-- question: Which components refused or failed, and what did they say?
-- columns: component, error_type, attempts
-- reads: component_spans
select component, error_type, count(*)::integer as attempts
from component_spans
where run_id = $run_id and error_type is not null and error_type <> 'cancelled'
group by component, error_type
order by attempts desc, component, error_type
