-- One row per run. A run whose generator was killed has a start marker and no end of its own. A file
-- that was imported and brought nothing of its own, since all of its traces belong to other runs or
-- none of its spans could be stored, has left no more than the word that it was there: that is no run.
-- `validity` follows from the run's own word alone; a report, `ovl runs` and `ovl query runs` also go by
-- what its turns and its recordings show. What a run says of itself is text until it is read here: what
-- is no number, or one of more than 8 digits before the point, is not known.
create view runs as
with said as (
    select
        run_id,
        name = 'run' as whole,
        start_ns,
        case when name = 'run' then end_ns end as end_ns,
        attributes
    from run_spans
    where name in ('run', 'run.start') and scope_name = 'otel_voiceload' and run_id is not null
    -- Of an import that went on, the last word ends last.
    qualify row_number() over (
        partition by run_id order by (name = 'run') desc, start_ns, end_ns desc
    ) = 1
),
seen as (
    select run_id, min(first_ns) as first_ns, max(last_ns) as last_ns, count(*) as traces
    from trace_runs
    where run_id is not null
    group by run_id
),
facts as (
    select
        seen.run_id,
        coalesce(said.start_ns, seen.first_ns) as started_ns,
        coalesce(said.end_ns, seen.last_ns) as last_ns,
        coalesce(said.whole, false) as shut_down,
        said.end_ns as ended_ns,
        said.attributes as a
    from seen
    left join said using (run_id)
    where seen.traces > 1
        or (said.attributes ->> '$."voiceload.run.wire"') is distinct from 'import'
        or run_id in (select run_id from raw_rollup_runs)
)
select
    run_id,
    coalesce(a ->> '$."voiceload.run.tag"', '') as tag,
    make_timestamp(started_ns // 1000) as started,
    make_timestamp(ended_ns // 1000) as ended,
    a ->> '$."voiceload.run.target"' as target,
    a ->> '$."voiceload.run.wire"' as wire,
    a ->> '$."voiceload.run.profile"' as profile,
    try_cast(a ->> '$."voiceload.run.seed"' as bigint) as seed,
    case
        when a ->> '$."voiceload.run.stop_reason"' = 'generator_limit' then 'inconclusive'
        when not shut_down then 'degraded'
        when coalesce(a ->> '$."voiceload.run.spans_lost"', '{}') not in ('{}', '') then 'degraded'
        when nullif(a ->> '$."voiceload.run.shards_lost"', '') is not null then 'degraded'
        when run_id in (select run_id from raw_rollup_runs) then 'degraded'
        else 'valid'
    end as validity,
    shut_down,
    nullif(a ->> '$."voiceload.run.stop_reason"', '') as stop_reason,
    a ->> '$."voiceload.run.scenario_hash"' as scenario_hash,
    a ->> '$."voiceload.run.clip_pack"' as clip_pack,
    try_cast(a ->> '$."voiceload.run.co_located"' as boolean) as co_located,
    a ->> '$."voiceload.run.thresholds"' as thresholds,
    try_cast(a ->> '$."voiceload.run.spans_ended"' as bigint) as spans_ended,
    a ->> '$."voiceload.run.spans_lost"' as spans_lost,
    try_cast(a ->> '$."voiceload.run.hearing_bias"' as decimal(28, 20))::double as hearing_bias_s,
    try_cast(a ->> '$."voiceload.run.hearing_spread"' as decimal(28, 20))::double as hearing_spread_s,
    coalesce(a ->> '$."voiceload.run.planted"', '') as planted,
    try_cast(a ->> '$."voiceload.run.shards"' as integer) as shards,
    -- JSON: [{"shard": 3, "at_s": 83.2}], seconds from the start to the last sign of life.
    nullif(a ->> '$."voiceload.run.shards_lost"', '') as shards_lost,
    try_cast(a ->> '$."voiceload.run.peak_calls"' as decimal(28, 20))::double as peak_calls,
    a ->> '$."voiceload.run.plan"' as plan,
    coalesce(try_cast(a ->> '$."voiceload.run.starts_dropped"' as bigint), 0) as starts_dropped,
    try_cast(a ->> '$."voiceload.run.machine_cores"' as integer) as machine_cores,
    try_cast(a ->> '$."voiceload.run.machine_memory"' as bigint) as machine_memory_bytes,
    -- JSON: {"ended": 9, "acknowledged": 9, "waiting": 0, "lost": {}}, of the user's own back end.
    a ->> '$."voiceload.run.copy"' as copy,
    started_ns,
    last_ns
from facts;
