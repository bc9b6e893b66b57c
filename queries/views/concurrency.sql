-- Calls under way on a grid of 0.25 s, by a running sum over starts and ends: an equi-join on the
-- slot costs a tenth of an ASOF join. Counted from call intervals over all shards, never taken
-- from what a shard believed.
create view concurrency as
with changes as (
    select run_id, media_up_ns // 250000000 as slot, 1 as change from calls where connected
    union all
    select run_id, ended_ns // 250000000, -1 from calls where connected
),
per_slot as (
    select run_id, slot, sum(change) as change from changes group by run_id, slot
),
grid as (
    select run_id, unnest(range(min(slot), max(slot) + 1)) as slot from per_slot group by run_id
)
select
    run_id,
    make_timestamp(slot * 250000) as at,
    (sum(coalesce(change, 0)) over (partition by run_id order by slot))::integer as calls,
    slot
from grid
left join per_slot using (run_id, slot);
