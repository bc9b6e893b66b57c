-- title: The generator second by second
-- question: In which seconds was the generator the limit, in which worker, and by which sign?
-- columns: at_s, shard, limited, limited_by, calls_active, frames_due, frames_late, late_share, pacing_error_p99_s, loop_lag_p99_s, run_delay_share, cpu, late_starts, dropped_starts, connect_pending
-- reads: generator_seconds, stages
-- `at_s` counts from the first stage; a row tells of the second before it. A row without figures is
-- the silence of a shard that was expected to speak.
select
    (until_ns - coalesce(
        (select min(started_ns) from stages where run_id = $run_id),
        (select min(from_ns) from generator_seconds where run_id = $run_id)
    )) / 1e9 as at_s,
    shard,
    limited,
    limited_by,
    calls_active,
    frames_due,
    frames_late,
    late_share,
    pacing_error_p99_s,
    loop_lag_p99_s,
    run_delay_share,
    cpu,
    late_starts,
    dropped_starts,
    connect_pending
from generator_seconds
where run_id = $run_id
order by at_s, shard
