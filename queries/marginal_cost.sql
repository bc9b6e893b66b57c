-- title: What one call more costs
-- question: How much processor, memory and traffic does each further call take, and what is idle?
-- columns: role, process, seconds, lowest_calls, highest_calls, cpu_idle, cpu_per_call, rss_idle_bytes, rss_bytes_per_call, sent_bytes_per_s_per_call, received_bytes_per_s_per_call
-- reads: resource_usage, slot_levels
-- Slopes over the seconds of counted levels, workers together. Without two levels there is no slope.
-- The ceiling of a machine is (what it has - idle) / per call.
with used as (
    select
        u.role,
        regexp_replace(u.process, '-\d+$', '') as process,
        l.calls,
        sum(u.cpu) as cpu,
        sum(u.rss_bytes) as rss_bytes,
        sum(u.sent_bytes_per_s) as sent,
        sum(u.received_bytes_per_s) as received
    from resource_usage u
    join slot_levels l
        on l.run_id = u.run_id and l.slot = u.at_ns // 250000000 and l.counts
    where u.run_id = $run_id
    group by u.role, regexp_replace(u.process, '-\d+$', ''), u.at_ns, l.calls
)
select
    role,
    process,
    count(*) as seconds,
    min(calls) as lowest_calls,
    max(calls) as highest_calls,
    regr_intercept(cpu, calls) as cpu_idle,
    regr_slope(cpu, calls) as cpu_per_call,
    regr_intercept(rss_bytes, calls) as rss_idle_bytes,
    regr_slope(rss_bytes, calls) as rss_bytes_per_call,
    regr_slope(sent, calls) as sent_bytes_per_s_per_call,
    regr_slope(received, calls) as received_bytes_per_s_per_call
from used
group by role, process
having min(calls) < max(calls)
order by role, process
