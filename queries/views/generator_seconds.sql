-- What each shard of the generator said of each of its seconds, and whether it was the limit: its own
-- word (otel_voiceload/load/health.py holds the bounds). A row reaches from the shard's word before,
-- `from_ns`, to this one. A shard that is frozen says nothing: more than 2 s between two words, or
-- after the last one while calls were up, are limited as well. After 5 s of that a shard is lost: it
-- measures nothing any more, and what the others measured stands.
create view generator_seconds as
with finite as (
    -- No counter reaches this, and a sum that was poisoned by one value says nothing at all.
    select * replace (if(abs(value) < 1e15, value, null) as value) from metric_points
),
told as (
    select
        run_id,
        coalesce(try_cast(attributes ->> '$."voiceload.shard.index"' as integer), 0) as shard,
        at_ns,
        try_cast(max(value) filter (name = 'voiceload.calls.active') as integer) as calls_active,
        max(value) filter (name = 'voiceload.generator.frames_due')::bigint as frames_due,
        max(value) filter (name = 'voiceload.generator.frames_late')::bigint as frames_late,
        max(value) filter (name = 'voiceload.generator.late_share') as late_share,
        max(value) filter (name = 'voiceload.generator.pacing_error_p99_s') as pacing_error_p99_s,
        max(value) filter (name = 'voiceload.generator.loop_lag_p99_s') as loop_lag_p99_s,
        max(value) filter (name = 'voiceload.generator.run_delay_share') as run_delay_share,
        max(value) filter (name = 'voiceload.generator.cpu') as cpu,
        max(value) filter (name = 'voiceload.generator.late_starts')::bigint as late_starts,
        max(value) filter (name = 'voiceload.generator.dropped_starts')::bigint as dropped_starts,
        max(value) filter (name = 'voiceload.generator.connect_pending')::bigint
            as connect_pending,
        max(value) filter (name = 'voiceload.generator.limited') > 0 as said_limited,
        list_sort(list(distinct attributes ->> '$."voiceload.generator.limited_by"')
            filter (name = 'voiceload.generator.limited' and value > 0)) as said_by
    from finite
    where run_id is not null
        and (name = 'voiceload.calls.active' or name like 'voiceload.generator.%')
    group by all
),
ordered as (
    select
        *,
        lag(at_ns) over w as before_ns,
        lead(at_ns) over w as next_ns
    from told
    window w as (partition by run_id, shard order by at_ns)
),
silent as (
    select
        o.run_id,
        o.shard,
        o.at_ns as from_ns,
        least(e.load_end_ns, o.at_ns + 5000000000) as until_ns
    from ordered o
    join (select run_id, max(ended_ns) as load_end_ns from stages group by run_id) e using (run_id)
    where o.next_ns is null and o.calls_active > 0 and e.load_end_ns - o.at_ns > 2000000000
)
select
    run_id,
    shard,
    coalesce(before_ns, at_ns - 1000000000) as from_ns,
    at_ns as until_ns,
    coalesce(said_limited, false) or coalesce(at_ns - before_ns > 2000000000, false) as limited,
    nullif(
        concat_ws(', ', array_to_string(said_by, ', '), if(at_ns - before_ns > 2000000000, 'no_heartbeat', null)), ''
    ) as limited_by,
    said_limited is not null as judged,
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
from ordered
union all by name
select run_id, shard, from_ns, until_ns, true as limited, 'no_heartbeat' as limited_by,
    true as judged
from silent;
