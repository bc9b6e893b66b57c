-- title: Doctor: sampling
-- question: Did the target send spans of every call, or only of some?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: component_observations, turn_facts, run_spans
with answered as (
    select distinct call_id from turn_facts where run_id = $run_id and outcome = 'answered'
),
told as (
    select distinct call_id from component_observations
    where run_id = $run_id and source = 'target_trace'
),
counted as (
    select
        'calls with spans of the target' as subject,
        count(*) as checked,
        if(count(told.call_id) = 0, 0, count(*) - count(told.call_id)) as faulty,
        count(told.call_id) as telling
    from answered
    left join told using (call_id)
    union all
    select
        'traces that say they were sampled',
        count(distinct trace_id),
        count(distinct trace_id) filter (trace_state like '%th:%'),
        null
    from run_spans
    where run_id = $run_id and scope_name is distinct from 'otel_voiceload'
)
select
    subject,
    checked,
    faulty,
    case when checked = 0 or telling = 0 then 'unknown'
        when faulty = 0 then 'ok'
        when faulty > 0.5 * checked then 'fail' else 'warn' end as verdict,
    case
        when checked = 0 or telling = 0 then 'the target sent none'
        when faulty = 0 then 'all or unsampled'
        when telling is null then 'traces that stand for others'
        else format('{} calls without any', faulty)
    end as found,
    if(faulty = 0, 'nothing', 'their turns from component figures, not from the turn''s') as left_out
from counted
order by subject
