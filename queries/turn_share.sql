-- title: Share of the turn by component
-- question: Where do the seconds of a turn go, level by level, and how many does nobody account for?
-- columns: level_no, level, component, turns, mean_s, share
-- reads: slot_levels, turns, component_turns
-- Self times, so that a component that waits for another is not charged twice. Only answered turns:
-- of the others nobody knows where the time would have gone.
with answered as (
    select s.level_no, s.level, t.run_id, t.call_id, t.turn_index
    from slot_levels s
    join turns t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and t.outcome = 'answered' and not coalesce(t.first, false)
),
levels_seen as (
    select level_no, any_value(level) as level, count(*) as turns from answered group by level_no
),
parts as (
    select a.level_no, c.component, sum(c.self_s) as total_s
    from answered a
    join component_turns c using (run_id, call_id, turn_index)
    group by a.level_no, c.component
)
select
    l.level_no,
    l.level,
    p.component,
    l.turns::integer as turns,
    p.total_s / l.turns as mean_s,
    p.total_s / nullif(sum(p.total_s) over (partition by l.level_no), 0) as share
from levels_seen l
join parts p using (level_no)
order by l.level_no, p.component;
