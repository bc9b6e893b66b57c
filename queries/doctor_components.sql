-- title: Doctor: components
-- question: Is every component's timing there for every answered turn?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: component_selves, turn_facts
-- Of a component that serves something a latency of zero is none: nobody measured it.
with answered as (
    select call_id, turn_index from turn_facts where run_id = $run_id and outcome = 'answered'
),
told as (
    select call_id, turn_index, component, max(latency_s) > 0 as timed
    from component_selves
    where run_id = $run_id
    group by call_id, turn_index, component
),
counted as (
    select
        wanted.component as subject,
        (select count(*) from answered) as checked,
        (select count(*) from answered) - count(a.call_id) filter (told.timed) as faulty,
        count(a.call_id) filter (not told.timed) as of_zero
    from (values ('stt'), ('llm'), ('tts')) wanted(component)
    left join told using (component)
    left join answered a using (call_id, turn_index)
    group by wanted.component
)
select
    subject,
    checked,
    faulty,
    case when checked = 0 then 'unknown'
        when faulty = 0 then 'ok'
        when faulty = checked then 'fail'
        when faulty > 0.05 * checked then 'warn' else 'ok' end as verdict,
    case when checked = 0 then 'no answered turn'
        when faulty = checked and of_zero > 0 then 'unobserved: no latency above zero'
        when faulty = checked then 'unobserved: no timing at all'
        when faulty = 0 then 'in every turn' else format('missing in {} turns', faulty) end as found,
    if(faulty = 0, 'nothing', 'it counts as unattributed there') as left_out
from counted
order by subject
