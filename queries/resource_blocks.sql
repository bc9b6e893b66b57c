-- title: What a long hold took, in twelve pieces
-- question: What did memory, files, sockets and processor do while the load stayed the same?
-- columns: metric, unit, block, at_s, value, samples, calls, hold_s, here
-- reads: slot_levels, resource_usage
-- The hold and its blocks as in drift_blocks. Each process says its median of a block, and those of
-- one role are added up. What was seen of a target from outside goes before what it told, except for
-- the part of its time in pauses of garbage collection, which only it can tell. Of open files there
-- is also the part that the fullest process has used of what it may open. `here`: seen on the
-- generator's machine, and so bounded by that machine's memory.
with held as (
    select
        level_no,
        any_value(level)::double as calls,
        min(slot) as first_slot,
        max(slot) + 1 - min(slot) as slots
    from slot_levels
    where run_id = $run_id and phase = 'soak' and counts
    group by level_no
    order by slots desc, level_no
    limit 1
),
seen as (
    select
        u.role,
        u.process,
        u.source,
        if(u.taken and not machine, u.rss_bytes::double, null) as memory,
        if(u.taken and not machine, u.fds::double, null) as fds,
        if(u.taken, u.fds / u.fds_limit, null) as fds_used,
        if(u.taken and not machine, u.sockets::double, null) as sockets,
        if(u.taken and not machine, u.cpu, null) as cpu,
        u.gc_s as gc,
        u.memory_free_bytes::double as memory_free,
        u.disk_free_bytes::double as disk_free,
        least(11, (u.at_ns // 250000000 - h.first_slot) * 12 // h.slots)::integer as block,
        h.slots,
        h.calls
    from (
        select
            * replace (if(process = 'machine', 'machine', role) as role),
            process = 'machine' as machine,
            source = max(source) over (partition by role, process = 'machine') as taken
        from resource_usage
        where run_id = $run_id
    ) u
    join held h on u.at_ns // 250000000 >= h.first_slot
        and u.at_ns // 250000000 < h.first_slot + h.slots
),
long as (
    unpivot seen on memory, fds, fds_used, sockets, cpu, gc, memory_free, disk_free
    into name figure value value
),
by_process as (
    select
        role, figure, block, process, any_value(slots) as slots, any_value(calls) as calls,
        median(value) as value, count(*) as samples, bool_or(source = 'sampled') as here
    from long
    group by role, figure, block, process
)
select
    concat(role, '_', figure) as metric,
    case
        when figure in ('memory', 'memory_free', 'disk_free') then 'By'
        when figure = 'cpu' then 'cores'
        when figure in ('gc', 'fds_used') then 'ratio'
        else '1'
    end as unit,
    block,
    (block + 0.5) * any_value(slots) / 48 as at_s,
    if(figure = 'fds_used', max(value), sum(value)) as value,
    max(samples)::integer as samples,
    any_value(calls) as calls,
    any_value(slots) / 4 as hold_s,
    bool_or(here) as here
from by_process
group by role, figure, block
order by metric, block
