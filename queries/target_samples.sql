-- title: What the target took, second by second
-- question: How much processor, memory and how many files did the target use, and at what load?
-- columns: call, level_no, phase, scenario, cpu, rss_bytes, fds, gc_share
-- reads: resource_usage, slot_levels
-- `call` numbers blocks of ten seconds: neighbouring seconds resemble each other as the turns of one
-- call do. All processes of the target together; what was seen from outside before what it told,
-- except for `gc_share`, the most of its time in pauses of garbage collection within the ten seconds:
-- only it can tell.
with seen as (
    select
        at_ns,
        source,
        sum(cpu) as cpu,
        sum(rss_bytes) as rss_bytes,
        sum(fds) as fds,
        max(sum(gc_s)) over (partition by at_ns // 10000000000) as gc_share
    from resource_usage
    where run_id = $run_id
        and role = 'target'
        and ($since_ns is null or at_ns >= $since_ns)
        and ($until_ns is null or at_ns < $until_ns)
    group by at_ns, source
    qualify source = max(source) over ()
)
select
    s.at_ns // 10000000000 as call,
    l.level_no,
    coalesce(l.phase, '') as phase,
    '' as scenario,
    s.cpu,
    s.rss_bytes::double as rss_bytes,
    s.fds::double as fds,
    s.gc_share
from seen s
left join slot_levels l
    on l.run_id = $run_id and l.slot = s.at_ns // 250000000 and l.counts
order by s.at_ns
