-- title: Doctor: orphans
-- question: Is the parent of each of the target's spans there, and does each span belong to a run?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: run_spans
with own as (
    select trace_id, span_id, parent_span_id, service_name
    from run_spans
    where run_id = $run_id
),
counted as (
    select
        'parents' as subject,
        count(*) as checked,
        count(*) filter (p.span_id is null) as faulty,
        count(distinct c.trace_id) filter (p.span_id is null) as traces
    from own c
    left join (select distinct trace_id, span_id from own) p
        on p.trace_id = c.trace_id and p.span_id = c.parent_span_id
    where c.parent_span_id is not null and c.service_name is distinct from 'ovl-caller'
    union all
    select
        'runs',
        count(*),
        count(*) filter (run_id is null),
        count(distinct trace_id) filter (run_id is null)
    from run_spans
    where recording_id in (select recording_id from run_spans where run_id = $run_id)
        -- What `ovl import` says of a file whose spans all belong to runs that were there.
        and service_name is distinct from 'ovl-import'
)
select
    subject,
    checked,
    faulty,
    case when checked = 0 then 'unknown'
        when faulty = 0 then 'ok'
        when subject = 'parents' and faulty > 0.05 * checked then 'fail' else 'warn' end as verdict,
    case
        when checked = 0 then 'no span of the target''s own'
        when faulty = 0 then 'all are there'
        when subject = 'parents' then format('spans of {} traces whose parent never came', traces)
        else format('spans of {} traces that join no run', traces)
    end as found,
    if(subject = 'runs' and faulty > 0, 'spans of no run', 'nothing') as left_out
from counted
order by subject
