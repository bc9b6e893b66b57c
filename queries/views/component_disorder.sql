-- The observations of turns that are not orderly (turn_work), and of turns that nobody told: few, and what
-- takes sorting is done for these alone.
create view component_disorder as
select *
from component_chosen
anti join (select run_id, call_id, turn_index from turn_facts where orderly)
    using (run_id, call_id, turn_index);
