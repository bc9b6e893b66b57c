-- Sources whose clock is another one than the caller's: in more than a fifth of the answered turns a
-- component had its first token or audio ready after the answer was heard (`off_s` above zero, the clock
-- is ahead), or before the caller had finished (below zero). `off_s` is by how much in the middle, so at
-- least by how much the clock is off. Up to 0.1 s is left to the network and to rounding; smaller
-- offsets can not be told from work that overlaps. An agent that begins early now and then is none.
-- Speech to text of the target's own spans runs on between turns, so of it nothing is taken. A clock is
-- off in all turns of a call or in none: the first two tell, at half of what all would cost.
create view skewed_sources as
select
    run_id,
    component,
    source,
    count(*) as told,
    count(*) filter (off_s <> 0) as told_outside,
    median(off_s) filter (off_s <> 0) as off_s
from (
    select
        run_id,
        w.component,
        w.source,
        case
            when w.first_ns > t.end_ns + 100000000 then (w.first_ns - t.end_ns) / 1e9
            when w.first_ns < t.start_ns - 100000000 then (w.first_ns - t.start_ns) / 1e9
            else 0
        end as off_s
    from component_work w
    join turn_heads t using (run_id, call_id, turn_index)
    where t.outcome = 'answered' and w.turn_index < 2 and t.turn_index < 2 and w.attempt = 0 and w.error_type is null and w.latency_s >= 0
        and (
            w.component in ('llm', 'tts') and w.source in ('target_trace', 'simulated')
            or w.component = 'stt' and w.source = 'simulated'
        )
)
group by run_id, component, source
having told >= 20 and told_outside > 0.2 * told;
