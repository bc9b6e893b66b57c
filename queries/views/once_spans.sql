-- Every span once. Only spans of batches that may hold duplicates, or of traces that two recordings
-- have seen, go through the de-duplicating join: doing it to all costs 2 s and 1.5 GB on ten million
-- rows. Where there are none of either, which is nearly always, a Reading takes `received_spans` as it
-- is (otel_voiceload/store/keeping.py).
create view once_spans as
with doubtful_batches as (
    select recording_id, batch_id from raw_batches where may_hold_duplicates
),
marked as not materialized (
    select s.* exclude (split), s.split or d.batch_id is not null as doubtful
    from received_spans s
    left join doubtful_batches d using (recording_id, batch_id)
),
plain as not materialized (select * from marked where not doubtful),
once as (
    select *
    from marked
    where doubtful
    qualify row_number() over (
        partition by trace_id, span_id order by recording_id, batch_id
    ) = 1
)
select * exclude (doubtful) from plain
union all
select * exclude (doubtful)
from once
anti join (
    -- Limited to the doubtful ones' traces, which are few, so that this side stays small.
    select trace_id, span_id from plain where trace_id in (select trace_id from once)
) using (trace_id, span_id);
