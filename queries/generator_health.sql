-- title: Whether the generator kept its own promises
-- question: Were the callers on time, or did this machine hold them up?
-- columns: pacing_error_p99_s, late_share, run_delay_share, loop_lag_p99_s, cpu, late_starts
-- reads: metric_points
-- Per second and shard. The pacing error is the median second's, so that one hiccup does not stand
-- for a run; late frames are counted over the whole run.
with points as (
    select replace(name, 'voiceload.generator.', '') as name, value, at_ns, attributes
    from metric_points
    where run_id = $run_id and name like 'voiceload.generator.%'
),
cpu_per_second as (
    select at_ns // 1000000000 as second, sum(value) as cpu
    from points where name = 'cpu' group by second
)
select
    quantile_cont(value, 0.5) filter (name = 'pacing_error_p99_s') as pacing_error_p99_s,
    sum(value) filter (name = 'frames_late')
        / nullif(sum(value) filter (name = 'frames_due'), 0) as late_share,
    avg(value) filter (name = 'run_delay_share') as run_delay_share,
    quantile_cont(value, 0.5) filter (name = 'loop_lag_p99_s') as loop_lag_p99_s,
    (select avg(cpu) from cpu_per_second) as cpu,
    coalesce(sum(value) filter (name = 'late_starts'), 0)::bigint as late_starts
from points
