-- title: How much answers differ within a call and between calls
-- question: Is it one turn in each call that is slow, or are some calls slow from beginning to end?
-- columns: level_no, level, calls, turns, within_s, between_s, between_share, ratio_p50, ratio_p95
-- reads: slot_levels, turn_facts
-- Of calls with at least three turns at a level, without the first. `within_s` and `between_s` are
-- standard deviations: of turns around their call's mean, and of calls' true means, so with what chance
-- alone would spread them taken off. `between_share` is the part of the variance that lies between
-- calls: 0 is every call alike, 1 every call even in itself. `ratio_` are percentiles over calls of the
-- slowest turn to the call's mean. Figures of fewer than 6 calls are not told.
with heard as (
    select
        s.level_no,
        any_value(s.level) as level,
        t.call_id,
        count(*) as n,
        avg(t.response_latency_s) as mean_s,
        var_samp(t.response_latency_s) as variance,
        max(t.response_latency_s) / nullif(avg(t.response_latency_s), 0) as ratio
    from slot_levels s
    join turn_facts t on t.run_id = s.run_id and t.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and not t.held_up and t.response_latency_s is not null
        and not coalesce(t.first, false)
    group by s.level_no, t.call_id
    having count(*) >= 3
),
pooled as (
    select
        level_no,
        any_value(level) as level,
        count(*) as calls,
        sum(n) as turns,
        sum((n - 1) * variance) / sum(n - 1) as within,
        var_samp(mean_s) - avg(variance / n) as between_calls,
        quantile_cont(ratio, [0.50, 0.95]) as ratios
    from heard
    group by level_no
)
select
    level_no,
    level,
    calls::integer as calls,
    turns::integer as turns,
    if(calls < 6, null, sqrt(within)) as within_s,
    if(calls < 6, null, sqrt(greatest(0, between_calls))) as between_s,
    if(
        calls < 6, null,
        greatest(0, between_calls) / nullif(within + greatest(0, between_calls), 0)
    ) as between_share,
    if(calls < 6, null, ratios[1]) as ratio_p50,
    if(calls < 6, null, ratios[2]) as ratio_p95
from pooled
order by level_no
