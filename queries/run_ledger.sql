-- title: What of a run is in the store
-- question: Were all spans stored that the generator ended, and which of them were removed again?
-- columns: spans_stored, spans_of_target, turns, answered, impossible_turns, calls, impossible_calls, calls_failed_here, turns_removed, spans_removed, removed_until_ns, recordings
-- reads: once_spans, turn_facts, calls, mapped, raw_rollup_runs
-- `impossible_calls` end before they begin; `calls_failed_here` are those that failed on the generator's own side: out of open files, say.
-- `turns_removed` and `spans_removed` are those whose raw spans retention took; they are among the
-- others. Turns up to `removed_until_ns` are known from cells.
with removed as (
    select
        coalesce(sum(turns), 0)::bigint as turns,
        coalesce(sum(impossible_turns), 0)::bigint as impossible_turns,
        coalesce(sum(spans_of_generator), 0)::bigint as spans_of_generator,
        coalesce(sum(spans_of_others), 0)::bigint as spans_of_others,
        max(last_ns) as last_ns
    from raw_rollup_runs
    where run_id = $run_id
),
kept as (
    select
        coalesce(sum(spans) filter (service_name is not distinct from 'ovl-caller'), 0)::bigint
            as of_generator,
        -- Without what `ovl import` says of the run that it made.
        coalesce(
            sum(spans) filter (coalesce(service_name, '') not in ('ovl-caller', 'ovl-import')), 0
        )::bigint as of_others,
        list(distinct recording_id) as recordings
    from (
        select service_name, recording_id, count(*) as spans
        from once_spans
        where run_id = $run_id
        group by all
    )
)
select
    kept.of_generator + removed.spans_of_generator as spans_stored,
    kept.of_others + removed.spans_of_others as spans_of_target,
    (select count(*) from turn_facts where run_id = $run_id) + removed.turns as turns,
    (select count(*) from turn_facts where run_id = $run_id and outcome = 'answered') as answered,
    (select count(*) from turn_facts where run_id = $run_id and impossible) + removed.impossible_turns
        as impossible_turns,
    (select count(*) from calls where run_id = $run_id) as calls,
    (
        select count(distinct call_id) from mapped
        where run_id = $run_id and role = 'call' and end_ns < start_ns
    ) as impossible_calls,
    (
        select count(*) from calls
        where run_id = $run_id and outcome = 'aborted_by_us' and error_type is not null
    ) as calls_failed_here,
    removed.turns as turns_removed,
    removed.spans_of_generator + removed.spans_of_others as spans_removed,
    removed.last_ns as removed_until_ns,
    kept.recordings
from kept, removed
