-- title: Doctor: clocks
-- question: Do the target's spans lie within the calls that they belong to, and run forwards?
-- columns: subject, checked, faulty, verdict, found, left_out
-- reads: run_spans, component_observations, calls, turn_facts, skewed_sources
-- Latencies are attributes and need no common clock. What is left over of a turn, self times and
-- the turn that a span belongs to do.
with placed as (
    select
        greatest(c.started_ns - o.start_ns, o.first_ns - c.ended_ns) / 1e9 as outside_s,
        if(t.outcome = 'answered' and o.component in ('llm', 'tts') and o.attempt = 0,
            (o.first_ns - t.end_ns) / 1e9, null) as late_s
    from component_observations o
    join calls c using (run_id, call_id)
    left join turn_facts t using (run_id, call_id, turn_index)
    where o.run_id = $run_id and o.source in ('target_trace', 'simulated')
),
counted as (
    select
        'within the call' as subject,
        count(*) as checked,
        count(*) filter (outside_s > 0.1) as faulty,
        median(outside_s) filter (outside_s > 0.1) as by_s
    from placed
    union all
    select
        'before the answer was heard',
        count(late_s),
        count(*) filter (late_s > 0.1),
        median(late_s) filter (late_s > 0.1)
    from placed
    union all
    select
        'forwards',
        count(*),
        count(*) filter (end_ns < start_ns),
        median((start_ns - end_ns) / 1e9) filter (end_ns < start_ns)
    from run_spans
    where run_id = $run_id
    union all
    select component || ' from ' || source, told, told_outside, off_s
    from skewed_sources
    where run_id = $run_id
)
select
    subject,
    checked,
    faulty,
    case when checked = 0 then 'unknown' when faulty = 0 then 'ok'
        when faulty > 0.05 * checked then 'fail' else 'warn' end as verdict,
    case when checked = 0 then 'no span of the target''s own'
        when faulty = 0 then 'all'
        when subject like '% from %' then format(
            'its clock is {} by {:.3f} s or more', if(by_s > 0, 'ahead', 'behind'), abs(by_s)
        )
        else format('off by {:.3f} s in the middle', by_s) end as found,
    case
        when faulty = 0 then 'nothing'
        when subject like '% from %' then 'unattributed time: it is unknown'
        else 'nothing, but unattributed time is not to be relied on'
    end as left_out
from counted
order by subject
