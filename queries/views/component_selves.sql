-- The rows of `component_spans` with what stood before each in its turn. Self time is what is left of a
-- span when earlier components' work (`others_`) is taken off, before it and after it. Frameworks nest;
-- without this the one that waits looks as slow as the one it waits for.
-- `orderly` says which way they went (turn_work).
create view component_selves as
with single as (
    select
        run_id,
        call_id,
        turn_index,
        component,
        attempt,
        place,
        if(component = 'network', min(start_ns), max(start_ns)) as start_ns,
        if(component = 'network', max(end_ns), max_by(end_ns, start_ns)) as end_ns,
        if(component = 'network', max(first_ns), max_by(first_ns, start_ns)) as first_ns,
        if(component = 'network', sum(latency_s), max_by(latency_s, start_ns)) as latency_s,
        max_by(busy_s, start_ns) as busy_s,
        max_by(queue_s, start_ns) as queue_s,
        max_by(source, start_ns) as source,
        max_by(error_type, start_ns) as error_type
    from component_disorder
    group by run_id, call_id, turn_index, component, attempt, place
)
select
    c.*,
    case place
        when 2 then s1
        when 3 then least(s1, s2)
        when 4 then least(s1, s2, s3)
        when 5 then least(s1, s2, s3, s4)
        when 6 then least(s1, s2, s3, s4, s5)
        when 7 then least(s1, s2, s3, s4, s5, s6)
    end as others_begin_ns,
    case place
        when 2 then f1
        when 3 then greatest(f1, f2)
        when 4 then greatest(f1, f2, f3)
        when 5 then greatest(f1, f2, f3, f4)
        when 6 then greatest(f1, f2, f3, f4, f5)
        when 7 then greatest(f1, f2, f3, f4, f5, f6)
    end as others_done_ns,
    orderly
from component_chosen c
join turn_facts t using (run_id, call_id, turn_index)
where t.orderly
union all by name
select
    *,
    min(start_ns) filter (place > 0) over earlier as others_begin_ns,
    max(first_ns) filter (place > 0) over earlier as others_done_ns,
    false as orderly
from single
window earlier as (
    partition by run_id, call_id, turn_index order by place
    range between unbounded preceding and 1 preceding
);
