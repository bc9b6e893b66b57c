-- title: A component's work at each level
-- question: How often was $component asked, how long did work wait and take, and how much was under way at once?
-- columns: level_no, calls, turns, attempts, failed, queue_s, busy_s, at_once_median, at_once_most
-- reads: component_selves, slot_levels, concurrency
-- Under way is what a server was at: from the end of the queue, where spans tell it, until the
-- server was free again. Read at the beginning of every slot, by a running sum.
with work as (
    select
        call_id,
        turn_index,
        start_ns // 250000000 as slot,
        queue_s,
        busy_s,
        error_type is not null as failed,
        start_ns + round(1e9 * coalesce(queue_s, 0))::bigint as taken_ns,
        case
            when busy_s is null then end_ns
            else start_ns + round(1e9 * (coalesce(queue_s, 0) + busy_s))::bigint
        end as free_ns
    from component_selves
    where run_id = $run_id and component = $component and error_type is distinct from 'cancelled'
),
per_slot as (
    select slot, sum(change) as change
    from (
        select (taken_ns + 249999999) // 250000000 as slot, 1 as change from work where not failed
        union all
        select (free_ns + 249999999) // 250000000, -1 from work where not failed
    )
    group by slot
),
under_way as (
    select slot, sum(coalesce(change, 0)) over (order by slot) as at_once
    from (select slot from concurrency where run_id = $run_id)
    left join per_slot using (slot)
),
held as (
    select
        l.level_no,
        avg(l.calls) as calls,
        median(u.at_once)::double as at_once_median,
        max(u.at_once)::integer as at_once_most
    from slot_levels l
    left join under_way u using (slot)
    where l.run_id = $run_id and l.counts
    group by l.level_no
),
asked as (
    select
        l.level_no,
        count(distinct (w.call_id, w.turn_index))::integer as turns,
        count(*)::integer as attempts,
        count(*) filter (w.failed)::integer as failed,
        avg(w.queue_s) filter (not w.failed) as queue_s,
        avg(w.busy_s) filter (not w.failed) as busy_s
    from slot_levels l
    join work w using (slot)
    where l.run_id = $run_id and l.counts
    group by l.level_no
)
select
    level_no, h.calls, a.turns, a.attempts, a.failed, a.queue_s, a.busy_s, h.at_once_median,
    h.at_once_most
from held h
join asked a using (level_no)
order by level_no
