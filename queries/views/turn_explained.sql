-- Turns with their work (turn_work) and how much of them it explains: the union of its intervals up to
-- the first audio, since stages overlap in many stacks and adding them up would explain more than there
-- was. All attempts of a component and the waits between them are its own. NULL where nothing is
-- explained.
create view turn_explained as
with worked as materialized (
    select t.*, w.* exclude (run_id, call_id, turn_index)
    from turn_heads t
    left join turn_work w using (run_id, call_id, turn_index)
),
reached as (
    -- Of an orderly turn: up to where it is explained once each piece was done, one after the other.
    select
        *,
        greatest(start_ns, least(coalesce(uf, start_ns), end_ns)) as e1,
        greatest(e1, least(coalesce(f1, start_ns), end_ns)) as e2,
        greatest(e2, least(coalesce(f2, start_ns), end_ns)) as e3,
        greatest(e3, least(coalesce(f3, start_ns), end_ns)) as e4,
        greatest(e4, least(coalesce(f4, start_ns), end_ns)) as e5,
        greatest(e5, least(coalesce(f5, start_ns), end_ns)) as e6,
        greatest(e6, least(coalesce(f6, start_ns), end_ns)) as e7,
        greatest(e7, least(coalesce(f7, start_ns), end_ns)) as e8,
        greatest(e8, least(coalesce(df, start_ns), end_ns)) as e9
    from worked
),
sorted as (
    select
        *,
        coalesce(max(till_ns) over (
            partition by run_id, call_id, turn_index order by from_ns, till_ns
            rows between unbounded preceding and 1 preceding
        ), from_ns) as before_ns
    from (
        select
            o.run_id,
            o.call_id,
            o.turn_index,
            greatest(min(o.start_ns), any_value(w.start_ns)) as from_ns,
            -- Network's way back ends with the first audio, so its own end counts.
            least(
                max(if(o.component = 'network', o.end_ns, o.first_ns)), any_value(w.end_ns)
            ) as till_ns
        from component_chosen o
        join worked w using (run_id, call_id, turn_index)
        where not w.orderly
        group by o.run_id, o.call_id, o.turn_index, o.component,
            if(o.component = 'network', o.attempt, 0)
    )
    where till_ns > from_ns
),
by_sorting as (
    select run_id, call_id, turn_index,
        sum(greatest(0, till_ns - greatest(from_ns, before_ns))) as explained_ns
    from sorted
    group by run_id, call_id, turn_index
)
select
    r.* exclude (e1, e2, e3, e4, e5, e6, e7, e8, e9),
    nullif(case
        when r.orderly then
            greatest(0, e1 - greatest(start_ns, us)) + greatest(0, e2 - greatest(e1, s1))
            + greatest(0, e3 - greatest(e2, s2)) + greatest(0, e4 - greatest(e3, s3))
            + greatest(0, e5 - greatest(e4, s4)) + greatest(0, e6 - greatest(e5, s5))
            + greatest(0, e7 - greatest(e6, s6)) + greatest(0, e8 - greatest(e7, s7))
            + greatest(0, e9 - greatest(e8, ds))
        else b.explained_ns
    end, 0) / 1e9 as explained_s
from reached r
left join by_sorting b using (run_id, call_id, turn_index);
