-- The warm-up cut of each level of a run whose turns were rolled up; every rolled-up file repeats it.
create view rolled_levels as
select run_id, level_no, min(counts_from_ns) as counts_from_ns, bool_or(keeps_first) as keeps_first
from raw_rollup_levels
group by run_id, level_no;
