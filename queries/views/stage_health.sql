-- Whether the generator kept its own promises during each stage, by the time of its shards. A stage
-- is lost when they were the limit for more than a quarter of it: what is left is what came between
-- two stalls, not what was asked for. So it is when more than 1 % of its load was never offered, since
-- a worker that was lost takes its part with it; and when fewer than 95 % of its calls were held while
-- more than 1 % of those begun failed on this machine's side (`own_share`): out of open files, say.
create view stage_health as
with losses as (
    select
        run_id,
        shards,
        started_ns + round(1e9 * least(greatest(loss.at_s, 0), 1e8))::bigint as lost_ns
    from (
        select run_id, shards, started_ns, unnest(
            from_json(try_cast(shards_lost as json), '[{"at_s":"DOUBLE"}]')
        ) as loss
        from runs
        where shards_lost is not null
    )
),
unoffered as (
    select
        s.run_id,
        s.stage_index,
        sum(greatest(0, s.ended_ns - greatest(l.lost_ns, s.started_ns)))
            / any_value(s.ended_ns - s.started_ns) / nullif(any_value(l.shards), 0) as share
    from stages s
    join losses l using (run_id)
    where s.ended_ns > s.started_ns
    group by s.run_id, s.stage_index
),
held_by_us as (
    select
        s.run_id,
        s.stage_index,
        avg((c.outcome = 'aborted_by_us' and c.error_type is not null)::integer) as share,
        any_value(s.calls_held < 0.95 * (s.calls_from + s.calls_to) / 2 and s.arrivals is null) as short
    from stages s
    join calls c
        on c.run_id = s.run_id and c.started_ns >= s.started_ns and c.started_ns < s.ended_ns
    group by s.run_id, s.stage_index
)
select
    s.run_id,
    s.stage_index,
    sum(part_s) as seconds,
    coalesce(sum(part_s) filter (limited), 0) as limited_s,
    limited_s / nullif(seconds, 0) as limited_share,
    arg_max(limited_by, part_s) filter (limited) as limited_by,
    coalesce(any_value(u.share), 0) as lost_share,
    coalesce(any_value(h.share), 0) as own_share,
    coalesce(limited_share > 0.25, false) or lost_share > 0.01
        or (own_share > 0.01 and coalesce(any_value(h.short), false)) as generator_limited
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
left join unoffered u using (run_id, stage_index)
left join held_by_us h using (run_id, stage_index)
group by s.run_id, s.stage_index;
