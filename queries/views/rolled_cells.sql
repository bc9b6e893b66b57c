-- The cells of turns whose raw spans were removed (docs/store.md), with what their level says now.
create view rolled_cells as
select
    c.*,
    -- Whether a turn counts for its level's latencies, as everywhere: no first turns of calls.
    c.counts and (coalesce(l.keeps_first, false) or not c.first) as counts_late
from raw_rollup_cells c
left join rolled_levels l using (run_id, level_no);
