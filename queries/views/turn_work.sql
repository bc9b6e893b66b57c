-- The work of a turn at a glance: when the component at each place (see component_chosen) began, `s`,
-- and was done, `f`, with the network's way up (`us`, `uf`) and down (`ds`, `df`).
-- A turn is `orderly` when each of its components was told once, the network once each way, and they
-- began in the order of their places. Nearly all are, and their rows need no sorting; the others go
-- the long way (component_selves, turn_explained). Both ways give the same figures.
create view turn_work as
select
    *,
    -- A comparison with what is not there is no disorder; `least` and `greatest` pass over it.
    told = bit_count(bits)
        and coalesce(s1 >= us, true)
        and coalesce(s2 >= greatest(us, s1), true)
        and coalesce(s3 >= greatest(us, s1, s2), true)
        and coalesce(s4 >= greatest(us, s1, s2, s3), true)
        and coalesce(s5 >= greatest(us, s1, s2, s3, s4), true)
        and coalesce(s6 >= greatest(us, s1, s2, s3, s4, s5), true)
        and coalesce(s7 >= greatest(us, s1, s2, s3, s4, s5, s6), true)
        and coalesce(ds >= greatest(us, s1, s2, s3, s4, s5, s6, s7), true) as orderly
from (
    select
        run_id,
        call_id,
        turn_index,
        count(*) as told,
        bit_or(if(place > 0, 2 << place, if(attempt = 0, 1, 2))) as bits,
        min(start_ns) filter (place = 0 and attempt = 0) as us,
        max(end_ns) filter (place = 0 and attempt = 0) as uf,
        min(start_ns) filter (place = 1) as s1,
        max(first_ns) filter (place = 1) as f1,
        min(start_ns) filter (place = 2) as s2,
        max(first_ns) filter (place = 2) as f2,
        min(start_ns) filter (place = 3) as s3,
        max(first_ns) filter (place = 3) as f3,
        min(start_ns) filter (place = 4) as s4,
        max(first_ns) filter (place = 4) as f4,
        min(start_ns) filter (place = 5) as s5,
        max(first_ns) filter (place = 5) as f5,
        min(start_ns) filter (place = 6) as s6,
        max(first_ns) filter (place = 6) as f6,
        min(start_ns) filter (place = 7) as s7,
        max(first_ns) filter (place = 7) as f7,
        min(start_ns) filter (place = 0 and attempt <> 0) as ds,
        max(end_ns) filter (place = 0 and attempt <> 0) as df
    from component_chosen
    group by run_id, call_id, turn_index
);
