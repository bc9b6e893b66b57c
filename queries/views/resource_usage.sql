-- What processes took of their machine, about once a second: the generator's own, and the target's
-- where it runs on the generator's machine (`source` sampled) or tells in OTLP metrics (`otlp`).
-- `cpu` is CPU seconds per second: 1 is one core. Traffic and the store's size belong to no process
-- and stand under `machine`. What a target tells has no run, so it goes to the run that was on.
create view resource_usage as
with finite as (
    select * replace (if(abs(value) < 1e15, value, null) as value) from metric_points
),
sampled as (
    select
        run_id,
        at_ns,
        coalesce(attributes ->> '$."voiceload.resource.role"', 'generator') as role,
        attributes ->> '$."voiceload.resource.process"' as process,
        try_cast(attributes ->> '$."process.pid"' as bigint) as pid,
        'sampled' as source,
        max(value) filter (name = 'voiceload.resource.cpu') as cpu,
        max(value) filter (name = 'voiceload.resource.memory')::bigint as rss_bytes,
        max(value) filter (name = 'voiceload.resource.file_descriptors')::bigint as fds,
        max(value) filter (name = 'voiceload.resource.threads')::bigint as threads,
        sum(value) filter (name = 'voiceload.resource.sockets')::bigint as sockets,
        max(value) filter (name = 'voiceload.resource.network.sent') as sent_bytes_per_s,
        max(value) filter (name = 'voiceload.resource.network.received') as received_bytes_per_s,
        max(value) filter (name = 'voiceload.resource.store')::bigint as store_bytes,
        max(value) filter (name = 'voiceload.resource.file_descriptors.limit')::bigint as fds_limit,
        max(value) filter (name = 'voiceload.resource.memory.free')::bigint as memory_free_bytes,
        max(value) filter (name = 'voiceload.resource.disk.free')::bigint as disk_free_bytes,
        null::double as gc_s
    from finite
    where run_id is not null and name like 'voiceload.resource.%'
    group by all
),
-- Names of the semantic conventions, and of the older Python and JVM instrumentations.
told as (
    select
        at_ns,
        coalesce(service_name, 'target') as process,
        name,
        attributes,
        case
            when name in ('process.cpu.time', 'process.runtime.cpython.cpu_time', 'jvm.cpu.time')
                then 'cpu_time'
            when name in ('process.memory.usage', 'process.runtime.cpython.memory') then 'memory'
            when name in (
                'process.open_file_descriptor.count', 'process.unix.file_descriptor.count',
                'process.open_file_descriptors'
            ) then 'fds'
            when name in ('process.thread.count', 'process.runtime.cpython.thread_count',
                'jvm.thread.count') then 'threads'
            when name in (
                'jvm.gc.duration', 'v8js.gc.duration', 'process.runtime.jvm.gc.duration',
                'dotnet.gc.pause.time'
            ) then 'gc_time'
        end as figure,
        -- Pauses are told as a histogram or as one growing sum, the oldest of them in milliseconds.
        case
            when figure = 'gc_time' then
                coalesce(try_cast(point ->> '$.sum' as decimal(28, 10))::double, value)
                * if(unit = 'ms', 1e-3, 1)
            else value
        end as value
    from finite
    where run_id is null
        and (name like 'process.%' or name similar to '(jvm|v8js|dotnet)[.].*')
        and coalesce(attributes ->> '$.type', 'rss') = 'rss'
),
-- Counters into rates; a counter that went down belongs to a process that was started again.
grown as (
    select
        at_ns,
        process,
        figure,
        if(
            figure in ('cpu_time', 'gc_time'),
            if(value >= lag(value) over w,
                (value - lag(value) over w) / nullif((at_ns - lag(at_ns) over w) / 1e9, 0), null),
            value
        ) as value
    from told
    where figure is not null and value is not null
    window w as (partition by process, name, attributes order by at_ns)
),
otlp as (
    select
        r.run_id,
        g.at_ns,
        'target' as role,
        g.process,
        null::bigint as pid,
        'otlp' as source,
        sum(value) filter (figure = 'cpu_time') as cpu,
        sum(value) filter (figure = 'memory')::bigint as rss_bytes,
        sum(value) filter (figure = 'fds')::bigint as fds,
        sum(value) filter (figure = 'threads')::bigint as threads,
        null::bigint as sockets,
        null::double as sent_bytes_per_s,
        null::double as received_bytes_per_s,
        null::bigint as store_bytes,
        null::bigint as fds_limit,
        null::bigint as memory_free_bytes,
        null::bigint as disk_free_bytes,
        sum(value) filter (figure = 'gc_time') as gc_s
    from grown g
    join runs r on g.at_ns >= r.started_ns and g.at_ns <= r.last_ns
    where g.process not in ('ovl-collector', 'ovl-caller')
    group by all
)
select
    run_id, make_timestamp(at_ns // 1000) as at, role, process, pid, source, cpu, rss_bytes, fds,
    threads, sockets, sent_bytes_per_s, received_bytes_per_s, store_bytes, gc_s, fds_limit,
    memory_free_bytes, disk_free_bytes, at_ns
from (select * from sampled union all by name select * from otlp);
