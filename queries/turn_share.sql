-- title: Share of the turn by component
-- question: Where do the seconds of a turn go, level by level, and how many does nobody account for?
-- columns: level_no, level, component, turns, mean_s, share
-- reads: slot_levels, turn_facts, component_chosen
-- The turn is cut at the ends of its components in the order in which they began, each getting what
-- the earlier ones left, so that the parts add up to the whole. All attempts of a component and the
-- waits between them are its own; the network's ways there and back are two pieces. Only answered
-- turns: of the others nobody knows where the time would have gone.
with answered as (
    select
        s.level_no, s.level, t.run_id, t.call_id, t.turn_index, t.start_ns, t.end_ns,
        t.response_latency_s
    from slot_levels s
    join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and t.outcome = 'answered' and not coalesce(t.first, false)
),
levels_seen as (
    select level_no, any_value(level) as level, count(*) as turns from answered group by level_no
),
work as (
    select
        a.level_no, a.call_id, a.turn_index, c.component,
        greatest(min(c.start_ns), any_value(a.start_ns)) as from_ns,
        least(
            max(if(c.component = 'network', c.end_ns, c.first_ns)), any_value(a.end_ns)
        ) as till_ns
    from answered a
    join component_chosen c using (run_id, call_id, turn_index)
    group by a.level_no, a.call_id, a.turn_index, c.component,
        if(c.component = 'network', c.attempt, 0)
),
cut as (
    select
        level_no,
        component,
        greatest(0, till_ns - greatest(from_ns, coalesce(max(till_ns) over (
            partition by call_id, turn_index order by from_ns, till_ns, component
            rows between unbounded preceding and 1 preceding
        ), from_ns))) / 1e9 as part_s
    from work
    where till_ns > from_ns
),
parts as (
    select level_no, component, sum(part_s) as total_s from cut group by level_no, component
),
whole as (
    select a.level_no, sum(a.response_latency_s) as total_s from answered a group by a.level_no
),
all_parts as (
    select * from parts
    union all
    select w.level_no, 'unattributed', greatest(0, w.total_s - coalesce(sum(p.total_s), 0))
    from whole w
    left join parts p using (level_no)
    group by w.level_no, w.total_s
)
select
    l.level_no,
    l.level,
    p.component,
    l.turns::integer as turns,
    p.total_s / l.turns as mean_s,
    p.total_s / nullif(sum(p.total_s) over (partition by l.level_no), 0) as share
from levels_seen l
join all_parts p using (level_no)
order by l.level_no, p.component
