-- The work of a turn in one row. Of the component at each place (see component_chosen): when it began, `s`,
-- and was done, `f`, how long it was busy, `b`, and who told it, `o`; at place 7 stands any other one,
-- so its name too. The network's way up begins at `us` and ends at `uf`, its way down `ds` and `df`.
-- `failed` and `given_up` have a bit for each place.
-- A turn is `orderly` when each of its components was told once, the network once each way without an
-- error, and they began in the order of their places. Nearly all are, and component_turns takes their
-- figures from here; the others go the long way (component_selves). Both ways give the same figures.
-- `if` inside the aggregates and no `filter` behind them: a filter copies the rows it leaves, for each.
create view turn_work as
select
    * exclude (told, bits, odd),
    -- A comparison with what is not there is no disorder; `least` and `greatest` pass over it.
    told = bit_count(bits)
        and not odd
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
        bool_or(place = 0 and (error_type is not null or busy_s is not null)) as odd,
        bit_or(if(error_type <> 'cancelled', 1 << place, 0))::utinyint as failed,
        bit_or(if(error_type = 'cancelled', 1 << place, 0))::utinyint as given_up,
        min(if(place = 0 and attempt = 0, start_ns, null)) as us,
        max(if(place = 0 and attempt = 0, end_ns, null)) as uf,
        min(if(place = 0 and attempt <> 0, start_ns, null)) as ds,
        max(if(place = 0 and attempt <> 0, end_ns, null)) as df,
        max(if(place = 0, first_ns, null)) as network_done_ns,
        sum(if(place = 0, latency_s, null)) as network_s,
        min(if(place = 0, latency_s, null)) < 0 as network_impossible,
        min(if(place = 0, source, null)) as o0,
        min(if(place = 1, start_ns, null)) as s1,
        max(if(place = 1, first_ns, null)) as f1,
        max(if(place = 1, busy_s, null)) as b1,
        min(if(place = 1, source, null)) as o1,
        min(if(place = 4, start_ns, null)) as s4,
        max(if(place = 4, first_ns, null)) as f4,
        max(if(place = 4, busy_s, null)) as b4,
        min(if(place = 4, source, null)) as o4,
        min(if(place = 6, start_ns, null)) as s6,
        max(if(place = 6, first_ns, null)) as f6,
        max(if(place = 6, busy_s, null)) as b6,
        min(if(place = 6, source, null)) as o6
    from component_chosen
    group by run_id, call_id, turn_index
)
left join (
    -- Few frameworks tell of these: apart, they cost nothing where nobody does.
    select
        run_id,
        call_id,
        turn_index,
        min(if(place = 2, start_ns, null)) as s2,
        max(if(place = 2, first_ns, null)) as f2,
        max(if(place = 2, busy_s, null)) as b2,
        min(if(place = 2, source, null)) as o2,
        min(if(place = 3, start_ns, null)) as s3,
        max(if(place = 3, first_ns, null)) as f3,
        max(if(place = 3, busy_s, null)) as b3,
        min(if(place = 3, source, null)) as o3,
        min(if(place = 5, start_ns, null)) as s5,
        max(if(place = 5, first_ns, null)) as f5,
        max(if(place = 5, busy_s, null)) as b5,
        min(if(place = 5, source, null)) as o5,
        min(if(place = 7, start_ns, null)) as s7,
        max(if(place = 7, first_ns, null)) as f7,
        max(if(place = 7, busy_s, null)) as b7,
        min(if(place = 7, source, null)) as o7,
        min(if(place = 7, component, null)) as component7
    from component_chosen
    where place in (2, 3, 5, 7)
    group by run_id, call_id, turn_index
) using (run_id, call_id, turn_index);
