-- title: Whether the generator kept its own promises
-- question: Were the callers on time, or did this machine hold them up, and for how long?
-- columns: pacing_error_p99_s, late_share, run_delay_share, loop_lag_p99_s, cpu, late_starts, shards, seconds, limited_s, limited_share, limited_by, judged
-- reads: generator_seconds
-- Per second and shard. The pacing error is the median second's, so that one hiccup does not stand
-- for a run; late frames are counted over the whole run. `limited_by` has every reason, the most
-- frequent first; `judged` is false for a run of a version that did not say when it was the limit.
with said as (
    select *, (until_ns - from_ns) / 1e9 as told_s from generator_seconds where run_id = $run_id
),
cpu_per_second as (
    select until_ns // 1000000000 as second, sum(cpu) as cpu from said group by second
),
reasons as (
    select reason, sum(told_s) as limited_s
    from (select unnest(string_split(limited_by, ', ')) as reason, told_s from said where limited)
    group by reason
)
select
    quantile_cont(pacing_error_p99_s, 0.5) as pacing_error_p99_s,
    sum(frames_late) / nullif(sum(frames_due), 0) as late_share,
    avg(run_delay_share) as run_delay_share,
    quantile_cont(loop_lag_p99_s, 0.5) as loop_lag_p99_s,
    (select avg(cpu) from cpu_per_second) as cpu,
    sum(late_starts)::bigint as late_starts,
    count(distinct shard)::integer as shards,
    coalesce(sum(told_s), 0) as seconds,
    coalesce(sum(told_s) filter (limited), 0) as limited_s,
    limited_s / nullif(seconds, 0) as limited_share,
    (select string_agg(reason, ', ' order by limited_s desc, reason) from reasons) as limited_by,
    coalesce(bool_and(judged), true) as judged
from said
