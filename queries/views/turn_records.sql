-- The caller's turns as they were told, each once: of double accounts the first.
create view turn_records as
select *
from mapped
where role = 'turn' and call_id is not null
qualify row_number() over (partition by run_id, call_id, turn_index order by start_ns) = 1;
