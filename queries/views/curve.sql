-- Latency and errors of every component against load: what the charts draw. Raw latency as people
-- know it from their traces; the analysis itself works on self times.
create view curve as
with work as (
    select s.run_id, s.level_no, c.component, c.latency_s, c.failed
    from slot_levels s
    join component_turns c on c.run_id = s.run_id and c.start_ns // 250000000 = s.slot
    where s.counts and (s.keeps_first or not coalesce(c.first, false))
    union all
    select run_id, level_no, component, latency_s, failed
    from rolled_turns
    where component not in ('turn', 'audio_gap') and counts_late
)
select run_id, component, concurrency, samples, p[1] as p50_s, p[2] as p95_s, p[3] as p99_s,
    error_rate, level_no
from (
    select
        w.run_id,
        w.component,
        any_value(s.level) as concurrency,
        count(*) as samples,
        quantile_cont(w.latency_s, [0.50, 0.95, 0.99]) as p,
        avg(w.failed::integer) as error_rate,
        w.level_no
    from work w
    join (select distinct run_id, level_no, level from slot_levels) s using (run_id, level_no)
    group by w.run_id, w.component, w.level_no
);
