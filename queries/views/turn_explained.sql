-- How much of a turn its components explain: the union of their intervals up to the first audio, since
-- stages overlap in many stacks and adding them up would explain more than there was. All attempts of
-- a component and the waits between them are its own. No row where nothing is explained.
create view turn_explained as
with clamped as (
    -- Of an orderly turn: where each of its pieces (see turn_work) was done, within the turn.
    select
        run_id, call_id, turn_index, us, s1, s2, s3, s4, s5, s6, s7, ds,
        least(coalesce(uf, t.start_ns), t.end_ns) as c1,
        least(coalesce(f1, t.start_ns), t.end_ns) as c2,
        least(coalesce(f2, t.start_ns), t.end_ns) as c3,
        least(coalesce(f3, t.start_ns), t.end_ns) as c4,
        least(coalesce(f4, t.start_ns), t.end_ns) as c5,
        least(coalesce(f5, t.start_ns), t.end_ns) as c6,
        least(coalesce(f6, t.start_ns), t.end_ns) as c7,
        least(coalesce(f7, t.start_ns), t.end_ns) as c8,
        least(coalesce(df, t.start_ns), t.end_ns) as c9,
        t.start_ns as e0
    from turn_work
    join turn_heads t using (run_id, call_id, turn_index)
    where orderly
),
reached as (
    -- Up to where the turn is explained once each piece was done.
    select
        *,
        greatest(e0, c1) as e1,
        greatest(e0, c1, c2) as e2,
        greatest(e0, c1, c2, c3) as e3,
        greatest(e0, c1, c2, c3, c4) as e4,
        greatest(e0, c1, c2, c3, c4, c5) as e5,
        greatest(e0, c1, c2, c3, c4, c5, c6) as e6,
        greatest(e0, c1, c2, c3, c4, c5, c6, c7) as e7,
        greatest(e0, c1, c2, c3, c4, c5, c6, c7, c8) as e8,
        greatest(e0, c1, c2, c3, c4, c5, c6, c7, c8, c9) as e9
    from clamped
),
swept as (
    select
        run_id, call_id, turn_index,
        greatest(0, e1 - greatest(e0, us)) + greatest(0, e2 - greatest(e1, s1))
            + greatest(0, e3 - greatest(e2, s2)) + greatest(0, e4 - greatest(e3, s3))
            + greatest(0, e5 - greatest(e4, s4)) + greatest(0, e6 - greatest(e5, s5))
            + greatest(0, e7 - greatest(e6, s6)) + greatest(0, e8 - greatest(e7, s7))
            + greatest(0, e9 - greatest(e8, ds))
            as explained_ns
    from reached
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
            greatest(min(o.start_ns), any_value(t.start_ns)) as from_ns,
            -- Network's way back ends with the first audio, so its own end counts.
            least(
                max(if(o.component = 'network', o.end_ns, o.first_ns)), any_value(t.end_ns)
            ) as till_ns
        from component_chosen o
        join turn_work w using (run_id, call_id, turn_index)
        join turn_heads t using (run_id, call_id, turn_index)
        where not w.orderly
        group by o.run_id, o.call_id, o.turn_index, o.component,
            if(o.component = 'network', o.attempt, 0)
    )
    where till_ns > from_ns
)
select run_id, call_id, turn_index, explained_ns / 1e9 as explained_s
from swept
where explained_ns > 0
union all
select run_id, call_id, turn_index,
    sum(greatest(0, till_ns - greatest(from_ns, before_ns))) / 1e9
from sorted
group by run_id, call_id, turn_index;
