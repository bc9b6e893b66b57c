-- title: Doctor: conversations
-- question: Does each trace hold one conversation, and each conversation one trace?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: run_spans
-- A bot that gives all its calls one id, or that keeps a trace open over many calls, mixes them.
with named as (
    select trace_id, unnest([
        {'key': 'session.id', 'id': session_id},
        {'key': 'conversation.id', 'id': attributes ->> '$."conversation.id"'},
        {'key': 'gen_ai.conversation.id', 'id': attributes ->> '$."gen_ai.conversation.id"'}
    ]) as name
    from run_spans
    where run_id = $run_id and scope_name is distinct from 'otel_voiceload'
),
pairs as (select distinct trace_id, name.key as key, name.id as id from named where name.id <> ''),
counted as (
    select
        'conversations in one trace' as subject,
        count(distinct trace_id) as checked,
        count(distinct trace_id) filter (others > 1) as faulty,
        max(others) as most
    from (select trace_id, key, count(*) as others from pairs group by all)
    union all
    select
        'traces of one conversation',
        count(*),
        count(*) filter (others > 1),
        max(others)
    from (select key, id, count(*) as others from pairs group by all)
)
select
    subject,
    checked,
    faulty,
    case when checked = 0 then 'unknown'
        when faulty = 0 then 'ok'
        when subject = 'conversations in one trace' then 'fail' else 'warn' end as verdict,
    case when checked = 0 then 'no ids of conversations'
        when faulty = 0 then 'one each' else format('up to {}', most) end as found,
    'nothing' as left_out
from counted
order by subject
