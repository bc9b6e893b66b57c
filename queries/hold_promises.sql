-- title: What every level and every spike kept of the wait
-- question: Up to how many calls was the wait kept step by step, and up to how many in a jump?
-- columns: level_no, stage_index, phase, level, spike, returned, turns, p95_s, failed_share, started_ns
-- reads: slot_levels, stages, turn_facts, held_levels
-- Of a spike every turn from its first moment on, since capacity that comes late is missing just
-- there; of other levels what counts of them. First turns of calls are left out of both, unless
-- next to nobody got past them. `returned`: the load came down to it.
with here as (
    select s.*, coalesce(g.spike, false) as spike, coalesce(h.comes_down, false) as returned
    from slot_levels s
    left join stages g on g.run_id = s.run_id and g.stage_index = s.stage_index
    left join held_levels h on h.run_id = s.run_id and h.level_no = s.level_no
    where s.run_id = $run_id and not s.limited
)
select
    s.level_no,
    min(s.stage_index) as stage_index,
    any_value(s.phase) as phase,
    any_value(s.level)::double as level,
    bool_or(s.spike) as spike,
    bool_or(s.returned) as returned,
    count(*)::integer as turns,
    quantile_cont(t.response_latency_s, 0.95) as p95_s,
    avg(t.censored::integer) as failed_share,
    min(s.slot)::bigint * 250000000 as started_ns
from here s
join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
where t.response_latency_s is not null and not t.held_up
    and (s.counts or s.spike) and (s.keeps_first or not coalesce(t.first, false))
group by s.level_no
order by started_ns
