-- title: Doctor: latencies
-- question: Are there latencies that can not be: none, below zero, longer than their call?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: component_observations, turn_facts, calls, faulty_sources
-- Of a component that serves something also a latency of nothing at all, unless it refused: it was
-- not measured.
with judged as (
    select
        o.component || ' from ' || o.source as subject,
        o.component,
        o.source,
        o.latency_s < 0 as below_zero,
        o.latency_s = 0 and o.error_type is null and o.component in ('stt', 'llm', 'tts') as nothing,
        o.latency_s > 1 + (c.ended_ns - c.started_ns) / 1e9 as too_long
    from component_observations o
    left join calls c using (run_id, call_id)
    where o.run_id = $run_id
    union all
    select
        'turn',
        null,
        null,
        t.impossible,
        false,
        t.response_latency_s > 1 + (c.ended_ns - c.started_ns) / 1e9 and not t.censored
    from turn_facts t
    left join calls c using (run_id, call_id)
    where t.run_id = $run_id and (t.impossible or t.response_latency_s is not null)
),
counted as (
    select
        subject,
        component,
        source,
        count(*) as checked,
        count(*) filter (below_zero) as below_zero,
        count(*) filter (nothing) as nothing,
        count(*) filter (too_long) as too_long,
        count(*) filter (below_zero or nothing or too_long) as faulty
    from judged
    group by all
)
select
    subject,
    checked,
    faulty,
    case when f.run_id is not null or faulty > 0.05 * checked then 'fail'
        when faulty > 0 then 'warn' else 'ok' end as verdict,
    format(
        '{} below zero or no number, {} of zero, {} longer than the call',
        below_zero, nothing, too_long
    ) as found,
    case
        when f.run_id is not null then 'this source, wherever another one knows the component'
        when below_zero > 0 then 'those below zero'
        else 'nothing'
    end as left_out
from counted
left join faulty_sources f on f.run_id = $run_id and f.component = counted.component
    and f.source = counted.source
order by subject
