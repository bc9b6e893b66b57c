-- title: What one call more costs
-- question: How much does each further call take, what is idle, and how many calls would fill a machine?
-- columns: role, process, source, seconds, lowest_calls, highest_calls, cpu_idle, cpu_per_call, rss_idle_bytes, rss_bytes_per_call, sent_bytes_per_s_per_call, received_bytes_per_s_per_call, cpu_ceiling_calls, memory_ceiling_calls
-- reads: resource_usage, slot_levels, runs
-- Slopes over the seconds of counted levels, workers together. Without two levels there is no slope.
-- A ceiling is (what the machine has - idle) / per call, of all processes of one role together, had
-- they the machine to themselves. Only for what was seen on this machine: nobody knows another's.
-- NULL where a further call cost nothing that can be told.
with used as (
    select
        u.role,
        regexp_replace(u.process, '-\d+$', '') as process,
        u.source,
        l.calls,
        sum(u.cpu) as cpu,
        sum(u.rss_bytes) as rss_bytes,
        sum(u.sent_bytes_per_s) as sent,
        sum(u.received_bytes_per_s) as received
    from resource_usage u
    join slot_levels l
        on l.run_id = u.run_id and l.slot = u.at_ns // 250000000 and l.counts
    where u.run_id = $run_id
    group by u.role, regexp_replace(u.process, '-\d+$', ''), u.source, u.at_ns, l.calls
),
costs as (
    select
        role,
        process,
        source,
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
    group by role, process, source
    having min(calls) < max(calls)
),
roles as (
    select
        role,
        source,
        sum(cpu_idle) as cpu_idle,
        sum(cpu_per_call) as cpu_per_call,
        sum(rss_idle_bytes) as rss_idle_bytes,
        sum(rss_bytes_per_call) as rss_bytes_per_call
    from costs
    where source = 'sampled'
    group by role, source
)
select
    c.*,
    case when r.cpu_per_call > 0 then (m.machine_cores - r.cpu_idle) / r.cpu_per_call end
        as cpu_ceiling_calls,
    case when r.rss_bytes_per_call > 0
        then (m.machine_memory_bytes - r.rss_idle_bytes) / r.rss_bytes_per_call end
        as memory_ceiling_calls
from costs c
left join roles r using (role, source)
left join runs m on m.run_id = $run_id
order by c.role, c.process
