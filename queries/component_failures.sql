-- title: Failed attempts by component and reason
-- question: Which components refused or failed, and what did they say?
-- columns: component, error_type, attempts
-- reads: component_selves, raw_rollup_failures
select component, error_type, sum(attempts)::integer as attempts
from (
    select component, error_type, 1 as attempts
    from component_selves
    where run_id = $run_id and error_type is not null and error_type <> 'cancelled'
    union all
    select component, error_type, attempts from raw_rollup_failures where run_id = $run_id
)
group by component, error_type
order by attempts desc, component, error_type
