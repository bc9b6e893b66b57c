-- title: Component latency against load
-- question: How do latency and errors of each component grow with the number of calls?
-- columns: component, concurrency, level_no, samples, p50_s, p95_s, p99_s, error_rate, returned
-- reads: curve, levels
-- `returned` marks levels that the load came back down to; a curve is drawn without them.
select
    c.component,
    c.concurrency,
    c.level_no,
    c.samples::integer as samples,
    c.p50_s,
    c.p95_s,
    c.p99_s,
    c.error_rate,
    l.kind = 'held' and c.concurrency <= coalesce((
        select max(earlier.level) from levels earlier
        where earlier.run_id = l.run_id and earlier.kind = 'held'
            and earlier.level_no < l.level_no and earlier.valid
    ), 0) as returned
from curve c
join levels l using (run_id, level_no)
where c.run_id = $run_id and l.valid
order by c.component, c.concurrency, c.level_no
