-- title: Whether turns came as those of independent callers would
-- question: Did the callers speak in step, and did they say what was said before?
-- columns: dispersion, bins, turns, prompt_repeat_ratio, prompts
-- reads: slot_levels, turn_facts, turn_said, raw_rollup_runs
-- `dispersion` is the index of dispersion of turn starts: their variance over their mean, in bins of
-- 0.5 s within held levels after the warm-up cut, pooled over the levels. 1 is what many independent
-- callers give; more, and they speak in step, so that the target meets bursts at a level that a
-- steady stream would not trouble. `prompts` are turns with all that the caller said in the call so
-- far; the repeated ones are what a target that keeps its answers did not have to think about.
with bins as (
    select s.run_id, s.level_no, s.slot // 2 as bin
    from slot_levels s
    where s.run_id = $run_id and s.kind = 'held' and s.counts and not s.limited
        -- Of turns that were rolled up nobody knows the moment any more.
        and s.slot * 250000000 > coalesce(
            (select max(last_ns) from raw_rollup_runs where run_id = $run_id), 0
        )
    group by all
    having count(*) = 2
),
starts as (
    select start_ns // 500000000 as bin, count(*) as n
    from turn_facts
    where run_id = $run_id
    group by bin
),
levels_of_bins as (
    select
        level_no,
        count(*) as bins,
        avg(coalesce(n, 0)) as mean,
        var_samp(coalesce(n, 0)) as variance
    from bins
    left join starts using (bin)
    group by level_no
    having count(*) > 1
),
said as (
    -- All that was said so far, as one number: kept as texts they would grow with each turn.
    select bit_xor(word) over (partition by call order by place) as prompt
    from (
        select call, place, hash(clip, place) as word
        from (
            select
                hash(t.call_id) as call,
                row_number() over (partition by hash(t.call_id) order by t.turn_index) as place,
                d.clip
            from turn_facts t
            join turn_said d on d.run_id = t.run_id and d.call_id = t.call_id
                and d.turn_index = t.turn_index
            where t.run_id = $run_id and d.clip is not null
        )
    )
)
select
    sum((bins - 1) * variance) / nullif(sum((bins - 1) * mean), 0) as dispersion,
    coalesce(sum(bins), 0)::integer as bins,
    coalesce(sum(bins * mean), 0)::integer as turns,
    (select 1 - count(distinct prompt) / nullif(count(*), 0) from said) as prompt_repeat_ratio,
    (select count(*) from said)::integer as prompts
from levels_of_bins
