-- title: Every turn's latency
-- question: What are percentiles and their bounds computed from?
-- columns: call, latency_s, censored, interrupted, level_no, phase, scenario, unattributed_s
-- reads: turn_facts, calls, slot_levels, rolled_samples
-- Turns while the generator was the limit are left out. `level_no` only where a turn counts for a
-- level: after the warm-up cut, and not the first of its call. Of rolled-up turns it is not known
-- which unattributed time went with which latency, so they are paired by rank.
with rolled as (
    select t.*, u.latency_s as unattributed_s
    from (from rolled_samples where run_id = $run_id and component = 'turn') t
    left join (from rolled_samples where run_id = $run_id and component = 'unattributed') u
        on u.rank = t.rank and u.level_no is not distinct from t.level_no
        and u.phase = t.phase and u.scenario = t.scenario
),
heard as (
    select
        t.call_id,
        t.response_latency_s as latency_s,
        t.censored,
        t.outcome = 'interrupted' as interrupted,
        case when s.counts and (s.keeps_first or not coalesce(t.first, false)) then s.level_no end
            as level_no,
        coalesce(t.phase, '') as phase,
        coalesce(c.scenario, '') as scenario,
        t.unattributed_s,
        t.start_ns as at_ns
    from turn_facts t
    left join calls c using (run_id, call_id)
    left join slot_levels s on s.run_id = t.run_id and s.slot = t.start_ns // 250000000
    where t.run_id = $run_id and not t.held_up and not coalesce(s.limited, false)
    union all
    select
        call_id, latency_s, failed, interrupted, level_no, phase, scenario,
        unattributed_s, unix_minute * 60000000000
    from rolled
)
select
    dense_rank() over (order by call_id) as call,
    latency_s,
    censored,
    interrupted,
    level_no,
    phase,
    scenario,
    unattributed_s
from heard
where ($since_ns::bigint is null or at_ns >= $since_ns)
    and ($until_ns::bigint is null or at_ns < $until_ns)
