-- title: What generator and target took at each level, in the order of the run
-- question: What did processor, memory, files, traffic and garbage collection do as the load changed?
-- columns: role, source, level_no, phase, calls, at_s, seconds, cpu, rss_bytes, fds, sockets, sent_bytes_per_s, received_bytes_per_s, gc_share
-- reads: resource_usage, slot_levels, runs
-- Over the counted seconds of a level: each process says its mean, and those of one role are added
-- up. What was seen of a target from outside goes before what it told, except for the pauses of its
-- garbage collection, which only it can tell. Traffic is the machine's and stands with the generator.
with seen as (
    select
        u.role,
        u.process,
        u.source,
        max(u.source) over (partition by u.role) as best,
        l.level_no,
        l.phase,
        l.level,
        u.at_ns,
        u.cpu, u.rss_bytes, u.fds, u.sockets, u.sent_bytes_per_s, u.received_bytes_per_s, u.gc_s
    from resource_usage u
    join slot_levels l
        on l.run_id = u.run_id and l.slot = u.at_ns // 250000000 and l.counts
    where u.run_id = $run_id
),
by_process as (
    select
        role,
        level_no,
        process,
        source = best as taken,
        any_value(best) as source,
        any_value(phase) as phase,
        any_value(level)::double as calls,
        min(at_ns) as first_ns,
        max(at_ns) as last_ns,
        count(distinct at_ns) as seconds,
        avg(cpu) as cpu,
        avg(rss_bytes) as rss_bytes,
        avg(fds) as fds,
        avg(sockets) as sockets,
        avg(sent_bytes_per_s) as sent,
        avg(received_bytes_per_s) as received,
        avg(gc_s) as gc_share
    from seen
    group by role, level_no, process, taken
)
select
    p.role,
    any_value(p.source) as source,
    p.level_no,
    any_value(p.phase) as phase,
    any_value(p.calls) as calls,
    ((min(p.first_ns) + max(p.last_ns)) / 2 - any_value(r.started_ns)) / 1e9 as at_s,
    max(p.seconds)::integer as seconds,
    sum(p.cpu) filter (p.taken) as cpu,
    sum(p.rss_bytes) filter (p.taken) as rss_bytes,
    sum(p.fds) filter (p.taken) as fds,
    sum(p.sockets) filter (p.taken) as sockets,
    sum(p.sent) filter (p.taken) as sent_bytes_per_s,
    sum(p.received) filter (p.taken) as received_bytes_per_s,
    sum(p.gc_share) as gc_share
from by_process p
join runs r on r.run_id = $run_id
group by p.role, p.level_no
order by at_s, p.role
