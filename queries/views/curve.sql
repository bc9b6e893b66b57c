-- Latency and errors of every component against load: what the charts draw. Raw latency as people
-- know it from their traces; the analysis itself works on self times.
create view curve as
select
    s.run_id,
    c.component,
    any_value(s.level) as concurrency,
    count(*) as samples,
    quantile_cont(c.latency_s, 0.50) as p50_s,
    quantile_cont(c.latency_s, 0.95) as p95_s,
    quantile_cont(c.latency_s, 0.99) as p99_s,
    avg(c.failed::integer) as error_rate,
    s.level_no
from slot_levels s
join component_turns c on c.run_id = s.run_id and c.start_ns // 250000000 = s.slot
where s.counts and (s.keeps_first or not coalesce(c.first, false))
group by s.run_id, c.component, s.level_no;
