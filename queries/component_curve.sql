-- title: Component latency against load
-- question: How do latency and errors of each component grow with the number of calls?
-- columns: component, concurrency, level_no, samples, p50_s, p95_s, p99_s, error_rate, open_from_s, returned
-- reads: curve, levels, held_levels
-- Percentiles of `open_from_s` or more are at least that: callers hung up on the rest.
-- `returned` marks levels that the load came back down to; a curve is drawn without them. One that is
-- new and was climbed to from a lower one, below a peak of its own phase, belongs to the climb: so does
-- a search that narrows in on a limit.
with held as (
    select
        *,
        max(level) over (partition by run_id order by level_no rows between unbounded preceding and 1 preceding)
            as highest,
        max(level) over (
            partition by run_id, phase order by level_no rows between unbounded preceding and 1 preceding
        ) as highest_of_phase,
        count(*) over (partition by run_id, level order by level_no) as times,
        lag(level) over (partition by run_id order by level_no) as level_before,
        lag(phase) over (partition by run_id order by level_no) as phase_before
    from held_levels  -- those outside of a window as well: the load came down from them
    where run_id = $run_id and not limited
)
select
    c.component,
    c.concurrency,
    c.level_no,
    c.samples::integer as samples,
    c.p50_s,
    c.p95_s,
    c.p99_s,
    c.error_rate,
    c.open_from_s,
    coalesce(
        h.level <= h.highest and not (
            h.level_before < h.level and h.phase_before = h.phase and h.highest_of_phase > h.level
            and h.times = 1
        ), false
    ) as returned
from curve c
join levels l using (run_id, level_no)
left join held h using (run_id, level_no)
where c.run_id = $run_id and l.valid
order by c.component, c.concurrency, c.level_no
