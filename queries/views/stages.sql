-- What was asked for and what was held, stage by stage. Stages of the open model ask for calls begun
-- per second (`arrivals`, `per_s_*`) and for no number of calls; a `spike` jumps up without being
-- spread over a turn cycle. A stage without an end (a killed generator)
-- ends with the next one's start, or with the run's last sign of life.
create view stages as
with said as (
    select
        run_id,
        stage_index,
        any_value(phase) as phase,
        min(start_ns) as started_ns,
        max(end_ns) filter (name = 'stage') as ended_ns,
        any_value(attributes) as a
    from run_spans
    where name in ('stage', 'stage.start') and scope_name = 'otel_voiceload' and run_id is not null
    group by run_id, stage_index
),
facts as (
    select
        said.run_id,
        stage_index,
        phase,
        said.started_ns,
        coalesce(
            said.ended_ns,
            lead(said.started_ns) over (partition by said.run_id order by stage_index),
            runs.last_ns
        ) as ended_ns,
        try_cast(a ->> '$."voiceload.stage.calls_from"' as decimal(28, 20))::double as calls_from,
        try_cast(a ->> '$."voiceload.stage.calls_to"' as decimal(28, 20))::double as calls_to,
        try_cast(a ->> '$."voiceload.stage.repeat_of"' as integer) as repeat_of,
        try_cast(a ->> '$."voiceload.stage.duration"' as decimal(28, 20))::double as duration_asked_s,
        a ->> '$."voiceload.stage.arrivals"' as arrivals,
        try_cast(a ->> '$."voiceload.stage.per_s_from"' as decimal(28, 20))::double as per_s_from,
        try_cast(a ->> '$."voiceload.stage.per_s_to"' as decimal(28, 20))::double as per_s_to,
        coalesce(try_cast(a ->> '$."voiceload.stage.at_once"' as boolean), false) as at_once,
        a ->> '$."voiceload.stage.note"' as note
    from said
    left join runs using (run_id)
),
held as (
    select f.run_id, f.stage_index, avg(c.calls) as calls_held
    from facts f
    join concurrency c on c.run_id = f.run_id
        and c.slot >= f.started_ns // 250000000 and c.slot < f.ended_ns // 250000000
    group by f.run_id, f.stage_index
)
select
    run_id,
    stage_index,
    phase,
    make_timestamp(started_ns // 1000) as started,
    make_timestamp(ended_ns // 1000) as ended,
    calls_to as calls_asked,
    calls_held,
    calls_from,
    calls_to,
    repeat_of,
    duration_asked_s,
    arrivals,
    per_s_from,
    per_s_to,
    coalesce(
        at_once and calls_to > lag(calls_to) over (partition by run_id order by stage_index), false
    ) as spike,
    note,
    (ended_ns - started_ns) / 1e9 as duration_s,
    started_ns,
    ended_ns
from facts
left join held using (run_id, stage_index);
