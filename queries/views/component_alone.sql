-- The work of orderly turns (turn_work), a row per component. Such work began after all before it, so its
-- own time begins when that was done.
create view component_alone as
select
    run_id, call_id, turn_index, 'network' as component, 0 as place, o0 as source,
    if(us is null or ds is null, 1, 2) as attempts, failed, given_up, network_s,
    null::double as busy_s, least(us, ds) as start_ns, f0 as done_ns,
    null::bigint as others_done_ns, first, start_ns as turn_start_ns, response_latency_s
from turn_facts
where orderly and network_s is not null
union all
select
    run_id, call_id, turn_index, 'stt', 1, o1, 1, failed, given_up, null, b1, s1, f1,
    null, first, start_ns, response_latency_s
from turn_facts where orderly and s1 is not null
union all
select
    run_id, call_id, turn_index, 'endpointing', 2, o2, 1, failed, given_up, null, b2, s2, f2,
    f1, first, start_ns, response_latency_s
from turn_facts where orderly and s2 is not null
union all
select
    run_id, call_id, turn_index, 'tool', 3, o3, 1, failed, given_up, null, b3, s3, f3,
    greatest(f1, f2), first, start_ns, response_latency_s
from turn_facts where orderly and s3 is not null
union all
select
    run_id, call_id, turn_index, 'llm', 4, o4, 1, failed, given_up, null, b4, s4, f4,
    greatest(f1, f2, f3), first, start_ns, response_latency_s
from turn_facts where orderly and s4 is not null
union all
select
    run_id, call_id, turn_index, 'text_aggregation', 5, o5, 1, failed, given_up, null, b5, s5, f5,
    greatest(f1, f2, f3, f4), first, start_ns, response_latency_s
from turn_facts where orderly and s5 is not null
union all
select
    run_id, call_id, turn_index, 'tts', 6, o6, 1, failed, given_up, null, b6, s6, f6,
    greatest(f1, f2, f3, f4, f5), first, start_ns, response_latency_s
from turn_facts where orderly and s6 is not null
union all
select
    run_id, call_id, turn_index, component7, 7, o7, 1, failed, given_up, null, b7, s7, f7,
    greatest(f1, f2, f3, f4, f5, f6), first, start_ns, response_latency_s
from turn_facts where orderly and s7 is not null;
