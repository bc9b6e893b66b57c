-- Calls under way on a grid of 0.25 s, by a running sum over starts and ends: an equi-join on the
-- slot costs a tenth of an ASOF join. Counted from call intervals over all shards, never taken
-- from what a shard believed. The grid has no slots where nobody called for over an hour (of a call
-- that goes on so long it has all), and calls of over a day are not counted: a span whose clock says
-- 1970 or 2116 would stretch it over decades.
create view concurrency as
with counted as (
    select run_id, media_up_ns // 250000000 as first_slot, ended_ns // 250000000 as last_slot
    from calls
    where connected and abs(ended_ns - media_up_ns) < 86400000000000
),
changes as (
    select run_id, first_slot as slot, 1 as change from counted
    union all
    select run_id, last_slot, -1 from counted
),
per_slot as (
    select run_id, slot, sum(change) as change from changes group by run_id, slot
),
islands as (
    select
        run_id,
        slot,
        sum(coalesce(slot - before > 14400 and left_over = 0, false)::integer) over w as island
    from (
        select
            run_id,
            slot,
            lag(slot) over w as before,
            sum(change) over w - change as left_over  -- calls that go on since the slot before
        from per_slot
        window w as (partition by run_id order by slot)
    )
    window w as (partition by run_id order by slot)
),
grid as (
    select run_id, unnest(range(min(slot), max(slot) + 1)) as slot
    from islands
    group by run_id, island
)
select
    run_id,
    make_timestamp(slot * 250000) as at,
    (sum(coalesce(change, 0)) over (partition by run_id order by slot))::integer as calls,
    slot
from grid
left join per_slot using (run_id, slot);
