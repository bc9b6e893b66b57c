-- title: Phases of a run
-- question: Which phases did the run have, when, at what load, and why at that one?
-- columns: phase, started, ended, started_ns, ended_ns, stages, calls_from, calls_to, per_s_to, starts_dropped, note
-- reads: stages, metric_points
-- Calls and calls per second are the least and the most that a stage of the phase asked for. The
-- note is its first stage's: where a load came from that nobody wrote down.
with dropped as (
    select s.run_id, s.stage_index, sum(m.value) as starts
    from stages s
    join metric_points m on m.run_id = s.run_id and m.at_ns > s.started_ns and m.at_ns <= s.ended_ns
    where s.run_id = $run_id and m.name = 'voiceload.generator.dropped_starts'
    group by s.run_id, s.stage_index
)
select
    phase,
    min(started) as started,
    max(ended) as ended,
    min(started_ns) as started_ns,
    max(ended_ns) as ended_ns,
    count(*)::integer as stages,
    min(least(calls_from, calls_to)) as calls_from,
    max(greatest(calls_from, calls_to)) as calls_to,
    max(greatest(per_s_from, per_s_to)) as per_s_to,
    coalesce(sum(d.starts), 0)::bigint as starts_dropped,
    coalesce(arg_min(coalesce(note, ''), stage_index), '') as note
from stages s
left join dropped d using (run_id, stage_index)
where s.run_id = $run_id
group by phase
order by min(stage_index)
