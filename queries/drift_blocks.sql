-- title: A long hold in twelve pieces
-- question: What did latency, errors and each component's own time do while the load stayed the same?
-- columns: metric, unit, block, at_s, value, samples, calls, hold_s
-- reads: slot_levels, turn_facts, component_turns, rolled_turns
-- The hold is the longest counted level of the soak phase: `calls` at once for `hold_s`. Blocks are
-- equally long; `at_s` is the middle of one since the hold's begin, `value` its median, of
-- no_response its share. Of rolled-up turns the minute is known, and own times as means of cells.
with held as (
    select
        level_no,
        any_value(level)::double as calls,
        min(slot) as first_slot,
        max(slot) + 1 - min(slot) as slots
    from slot_levels
    where run_id = $run_id and phase = 'soak' and counts
    group by level_no
    order by slots desc, level_no
    limit 1
),
told as (
    select 'turn_latency' as metric, s.slot, t.response_latency_s as value
    from slot_levels s
    join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and not s.limited
        and s.level_no = (select level_no from held)
        and t.response_latency_s is not null and (s.keeps_first or not coalesce(t.first, false))
    union all
    select w.component, s.slot, w.self_s
    from slot_levels s
    join component_turns w on w.run_id = s.run_id and w.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and not s.limited
        and s.level_no = (select level_no from held)
        and (s.keeps_first or not coalesce(w.first, false))
    union all
    select 'no_response', s.slot, t.censored::integer
    from slot_levels s
    join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and not s.limited
        and s.level_no = (select level_no from held)
    union all
    select
        if(component = 'turn', 'turn_latency', component),
        unix_minute * 240 + 120,
        if(component = 'turn', latency_s, self_s)
    from rolled_turns
    where run_id = $run_id and counts_late and not limited and component <> 'audio_gap'
        and level_no = (select level_no from held)
    union all
    select 'no_response', unix_minute * 240 + 120, failed::integer
    from rolled_turns
    where run_id = $run_id and counts and not limited and component = 'turn'
        and level_no = (select level_no from held)
)
select
    metric,
    if(metric = 'no_response', 'ratio', 's') as unit,
    greatest(0, least(11, (t.slot - h.first_slot) * 12 // h.slots))::integer as block,
    (block + 0.5) * any_value(h.slots) / 48 as at_s,
    if(metric = 'no_response', avg(value), median(value)) as value,
    count(*)::integer as samples,
    any_value(h.calls) as calls,
    any_value(h.slots) / 4 as hold_s
from told t, held h
where value is not null
group by metric, block
order by metric, block
