-- One row per resource: the id is a hash of the content, so segments repeat it.
create view known_resources as
select resource_id, any_value(service_name) as service_name, any_value(run_id) as run_id
from raw_resources
group by resource_id;
