-- How much of a turn its components explain: the union of their intervals up to the first audio, since
-- stages overlap in many stacks and adding them up would explain more than there was. No row where
-- nothing is explained.
create view turn_explained as
with swept as (
    -- Of an orderly turn: each piece ends the explained part (`e`) where it did not reach yet.
    select
        run_id,
        call_id,
        turn_index,
        t.start_ns as e0,
        t.end_ns as e_end,
        greatest(e0, least(coalesce(uf, e0), e_end)) as e1,
        greatest(e1, least(coalesce(f1, e0), e_end)) as e2,
        greatest(e2, least(coalesce(f2, e0), e_end)) as e3,
        greatest(e3, least(coalesce(f3, e0), e_end)) as e4,
        greatest(e4, least(coalesce(f4, e0), e_end)) as e5,
        greatest(e5, least(coalesce(f5, e0), e_end)) as e6,
        greatest(e6, least(coalesce(f6, e0), e_end)) as e7,
        greatest(e7, least(coalesce(f7, e0), e_end)) as e8,
        greatest(e8, least(coalesce(df, e0), e_end)) as e9,
        greatest(0, e1 - greatest(e0, us)) + greatest(0, e2 - greatest(e1, s1))
            + greatest(0, e3 - greatest(e2, s2)) + greatest(0, e4 - greatest(e3, s3))
            + greatest(0, e5 - greatest(e4, s4)) + greatest(0, e6 - greatest(e5, s5))
            + greatest(0, e7 - greatest(e6, s6)) + greatest(0, e8 - greatest(e7, s7))
            + greatest(0, e9 - greatest(e8, ds)) as explained_ns
    from turn_work
    join turn_heads t using (run_id, call_id, turn_index)
    where orderly
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
            greatest(o.start_ns, t.start_ns) as from_ns,
            -- Network's way back ends with the first audio, so its own end counts.
            least(if(o.component = 'network', o.end_ns, o.first_ns), t.end_ns) as till_ns
        from component_chosen o
        join turn_work w using (run_id, call_id, turn_index)
        join turn_heads t using (run_id, call_id, turn_index)
        where not w.orderly
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
