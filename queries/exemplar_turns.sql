-- title: Four turns, piece by piece
-- question: What happened inside the best turn, an ordinary one, one past the knee, and the worst?
-- columns: exemplar, call_id, turn_index, calls, latency_s, component, attempt, start_s, end_s, source, error_type
-- reads: call_names, turn_facts, levels, component_chosen
-- $knee_calls is where the first component bends; without one, the turn "past the knee" comes from
-- the highest level. Times are seconds since the caller stopped speaking; a bar ends with the first
-- token, byte or sample. A turn without component timing has one row with no component.
with candidates as (
    select run_id, call_id, turn_index, concurrency as calls, response_latency_s as latency_s, start_ns
    from turn_facts
    where run_id = $run_id and outcome = 'answered' and response_latency_s >= 0
        and not coalesce(first, false)
),
bounds as (
    select
        min(level) * 1.15 + 1 as low_calls,
        coalesce($knee_calls::double, max(level) * 0.85) as high_calls
    from levels
    where run_id = $run_id and turns > 0
),
ranked as (
    select 1 as place, 'best' as exemplar, *,
        row_number() over (order by latency_s, call_id, turn_index) as rank, 1 as wanted
    from candidates
    union all
    select 2, 'baseline_median', candidates.*,
        row_number() over (order by latency_s, call_id, turn_index), (count(*) over () + 1) // 2
    from candidates, bounds
    where calls <= low_calls
    union all
    select 3, if($knee_calls is null, 'top_level_median', 'past_knee_median'), candidates.*,
        row_number() over (order by latency_s, call_id, turn_index), (count(*) over () + 1) // 2
    from candidates, bounds
    where calls >= high_calls
    union all
    select 4, 'worst', *,
        row_number() over (order by latency_s desc, call_id, turn_index), 1
    from candidates
)
select
    r.exemplar,
    n.name as call_id,
    r.turn_index,
    r.calls,
    r.latency_s,
    c.component,
    c.attempt,
    (c.start_ns - r.start_ns) / 1e9 as start_s,
    (if(c.component = 'network', c.end_ns, c.first_ns) - r.start_ns) / 1e9 as end_s,
    c.source,
    c.error_type
from ranked r
left join call_names n using (call_id)
left join component_chosen c using (run_id, call_id, turn_index)
where r.rank = r.wanted
order by r.place, start_s, c.component, c.attempt;
