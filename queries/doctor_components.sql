-- title: Doctor: components
-- question: Is every component's timing there for every answered turn?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: component_spans, turns
with answered as (
    select call_id, turn_index from turns where run_id = $run_id and outcome = 'answered'
),
counted as (
    select
        wanted.component as subject,
        (select count(*) from answered) as checked,
        (select count(*) from answered) - count(a.call_id) as faulty
    from (values ('stt'), ('llm'), ('tts')) wanted(component)
    left join (
        select distinct call_id, turn_index, component from component_spans
        where run_id = $run_id
    ) s using (component)
    left join answered a using (call_id, turn_index)
    group by wanted.component
)
select
    subject,
    checked,
    faulty,
    case when faulty = 0 then 'ok'
        when faulty = checked then 'fail'
        when faulty > 0.05 * checked then 'warn' else 'ok' end as verdict,
    case when checked = 0 then 'no answered turn'
        when faulty = checked then 'no timing at all'
        when faulty = 0 then 'in every turn' else format('missing in {} turns', faulty) end as found,
    if(faulty = 0, 'nothing', 'it counts as unattributed there') as left_out
from counted
order by subject
