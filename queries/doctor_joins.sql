-- title: Doctor: joins
-- question: By which way were traces found to belong to this run, and how sure is that?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: trace_runs
-- `faulty` is zero: a way is no fault. Ways that are less sure are a warning.
select
    joined_by as subject,
    count(*) as checked,
    0::bigint as faulty,
    if(joined_by = 'call_id', 'warn', 'ok') as verdict,
    case joined_by
        when 'trace' then 'certain: the trace itself names the run'
        when 'link' then 'certain: a span link leads to the run'
        when 'call_id' then 'likely: an id of the conversation holds the call''s trace id'
        when 'import' then 'as said by the import: the file is the run'
    end as found,
    'nothing' as left_out
from trace_runs
where run_id = $run_id
group by joined_by
order by joined_by
