-- title: Calls asked for and calls held over time
-- question: Did the load that was asked for really stand, second by second?
-- columns: series, at_s, calls, stage_index, phase
-- reads: stages, concurrency
-- "asked" has two rows per stage, its start and its end; "held" at most 400 points, each the highest
-- of its bucket, so that a short peak is not averaged away. The open model asks for no number of calls.
with origin as (
    select coalesce(
        (select min(started_ns) from stages where run_id = $run_id),
        (select min(slot) * 250000000 from concurrency where run_id = $run_id)
    ) as zero_ns
),
width as (
    select greatest(1, ceil((max(slot) - min(slot) + 1) / 400.0))::bigint as slots
    from concurrency
    where run_id = $run_id
),
held as (
    select min(slot) as slot, max(calls) as calls
    from concurrency, width
    where run_id = $run_id
    group by slot // slots
)
select 'asked' as series, (started_ns - zero_ns) / 1e9 as at_s, calls_from as calls, stage_index, phase
from stages, origin
where run_id = $run_id and arrivals is null
union all
select 'asked', (ended_ns - zero_ns) / 1e9, calls_to, stage_index, phase
from stages, origin
where run_id = $run_id and arrivals is null
union all
select 'held', slot * 0.25 - zero_ns / 1e9, calls::double, null, null
from held, origin
order by series, at_s, stage_index;
