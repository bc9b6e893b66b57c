-- Latency and errors of every component against load: what the charts draw. Raw latency as people
-- know it from their traces; the analysis itself works on self times.
-- Work that a caller's hanging up cut off ranks above all that was done, as turns do that nobody
-- answered. A percentile that lies among it is only known to be at least what was seen, and so is every
-- one of `open_from_s` or more.
create view curve as
with work as (
    select s.run_id, s.level_no, c.component, c.latency_s, c.failed, c.cut_off
    from slot_levels s
    join component_turns c on c.run_id = s.run_id and c.start_ns // 250000000 = s.slot
    where s.counts and (s.keeps_first or not coalesce(c.first, false))
    union all
    select run_id, level_no, component, latency_s, failed, false  -- rolled up: not known any more
    from rolled_turns
    where component not in ('turn', 'audio_gap') and counts_late
),
told as (
    select
        w.run_id,
        w.component,
        any_value(s.level) as concurrency,
        count(*) as samples,
        quantile_cont(w.latency_s, [0.50, 0.95, 0.99]) as least,
        quantile_cont(if(w.cut_off, 'inf'::double, w.latency_s), [0.50, 0.95, 0.99]) as most,
        avg(w.failed::integer) as error_rate,
        w.level_no
    from work w
    join (select distinct run_id, level_no, level from slot_levels) s using (run_id, level_no)
    group by w.run_id, w.component, w.level_no
)
select
    run_id,
    component,
    concurrency,
    samples,
    if(isfinite(most[1]), most[1], least[1]) as p50_s,
    if(isfinite(most[2]), most[2], greatest(least[2], p50_s)) as p95_s,
    if(isfinite(most[3]), most[3], greatest(least[3], p95_s)) as p99_s,
    error_rate,
    level_no,
    case
        when not isfinite(most[1]) then p50_s
        when not isfinite(most[2]) then p95_s
        when not isfinite(most[3]) then p99_s
    end as open_from_s
from told;
