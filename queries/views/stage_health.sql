-- Whether the generator kept its own promises during each stage, by the time of its shards. A stage
-- is lost when they were the limit for more than a quarter of it: what is left is what came between
-- two stalls, not what was asked for.
create view stage_health as
select
    s.run_id,
    s.stage_index,
    sum(part_s) as seconds,
    coalesce(sum(part_s) filter (limited), 0) as limited_s,
    limited_s / nullif(seconds, 0) as limited_share,
    arg_max(limited_by, part_s) filter (limited) as limited_by,
    coalesce(limited_share > 0.25, false) as generator_limited
from (
    select
        s.run_id,
        s.stage_index,
        g.limited,
        g.limited_by,
        sum(least(g.until_ns, s.ended_ns) - greatest(g.from_ns, s.started_ns)) / 1e9 as part_s
    from stages s
    join generator_seconds g
        on g.run_id = s.run_id and g.from_ns < s.ended_ns and g.until_ns > s.started_ns
    group by all
) s
group by s.run_id, s.stage_index;
