-- Runs in which a caller of ours was there. In the others calls and turns are what the target's own
-- spans say of them.
create view heard_runs as
select distinct run_id
from known_resources
where service_name = 'ovl-caller' and run_id is not null;
