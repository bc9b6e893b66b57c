-- title: What each component takes of a turn while nothing waits
-- question: How long is a component's own part of a turn, and how long does it hold a server, below $knee_calls calls?
-- columns: component, turns, calls, attempts_per_turn, latency_mean_s, latency_p50_s, latency_p95_s, busy_turns, busy_mean_s, busy_error_s, source
-- reads: component_turns, slot_levels
-- Levels under $knee_calls only, all of them where it is NULL: above, waiting would be taken for
-- work. First turns of calls and turns that failed are left out. `busy_error_s` is the standard
-- error of the mean by the spread between calls, since the turns of one call resemble each other.
with work as (
    select w.component, w.source, w.call_id, w.self_s, w.busy_s, w.attempts
    from component_turns w
    join slot_levels s on s.run_id = w.run_id and s.slot = w.start_ns // 250000000
    where w.run_id = $run_id and s.counts and w.served and not w.failed and w.self_s >= 0
        and (s.keeps_first or not coalesce(w.first, false))
        and ($knee_calls::double is null or s.level < $knee_calls)
),
means as (
    select
        component,
        count(*)::integer as turns,
        count(distinct call_id)::integer as calls,
        avg(attempts) as attempts_per_turn,
        avg(self_s) as latency_mean_s,
        quantile_cont(self_s, 0.5) as latency_p50_s,
        quantile_cont(self_s, 0.95) as latency_p95_s,
        count(busy_s)::integer as busy_turns,
        avg(busy_s) as busy_mean_s,
        any_value(source) as source
    from work
    group by component
),
off as (
    select w.component, sum(w.busy_s - m.busy_mean_s) as off_s
    from work w join means m using (component)
    where w.busy_s is not null
    group by w.component, w.call_id
),
errors as (
    select component, sqrt(sum(off_s * off_s) * count(*) / (count(*) - 1)) as summed_s
    from off
    group by component
    having count(*) > 1
)
select
    component, turns, calls, attempts_per_turn, latency_mean_s, latency_p50_s, latency_p95_s,
    busy_turns, busy_mean_s, summed_s / busy_turns as busy_error_s, source
from means left join errors using (component)
order by component
