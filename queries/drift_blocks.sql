-- title: A long hold in twelve pieces
-- question: What did latency, errors and each component's own time do while the load stayed the same?
-- columns: metric, unit, block, at_s, value, samples
-- reads: slot_levels, turns, component_turns
-- The hold is the longest counted level of the soak phase. Blocks are equally long; `at_s` is the
-- middle of one since the hold's begin, `value` its median, of no_response its share.
with held as (
    select level_no, min(slot) as first_slot, max(slot) + 1 as last_slot
    from slot_levels
    where run_id = $run_id and phase = 'soak' and counts
    group by level_no
    order by last_slot - first_slot desc, level_no
    limit 1
),
slots as (
    select
        s.slot,
        s.keeps_first,
        least(11, (s.slot - h.first_slot) * 12 // (h.last_slot - h.first_slot))::integer as block,
        (h.last_slot - h.first_slot) * 0.25 / 12 as block_s
    from slot_levels s
    join held h using (level_no)
    where s.run_id = $run_id and s.counts and not s.limited
),
heard as (
    select 'turn_latency' as metric, 's' as unit, s.block, s.block_s, t.response_latency_s as value
    from slots s
    join turns t on t.run_id = $run_id and t.start_ns // 250000000 = s.slot
    where t.response_latency_s is not null and (s.keeps_first or not coalesce(t.first, false))
    union all
    select w.component, 's', s.block, s.block_s, w.self_s
    from slots s
    join component_turns w on w.run_id = $run_id and w.start_ns // 250000000 = s.slot
    where s.keeps_first or not coalesce(w.first, false)
),
unanswered as (
    select s.block, any_value(s.block_s) as block_s, avg(t.censored::integer) as value, count(*) as n
    from slots s
    join turns t on t.run_id = $run_id and t.start_ns // 250000000 = s.slot
    group by s.block
)
select
    metric,
    any_value(unit) as unit,
    block,
    (block + 0.5) * any_value(block_s) as at_s,
    median(value) as value,
    count(*)::integer as samples
from heard
group by metric, block
union all
select 'no_response', 'ratio', block, (block + 0.5) * block_s, value, n::integer
from unanswered
order by metric, block
