-- What figures need of turn_records, and no more: of ten million spans each column more is memory, and
-- each value that is taken out of JSON a second. So a deadline is read only where nobody answered.
create view turn_heads as
select
    run_id,
    call_id,
    turn_index,
    stage_index,
    phase,
    start_ns,
    end_ns,
    outcome,
    first,
    coalesce(send_delay_s, 0) as send_delay_s,
    latency_s,
    case when latency_s is null then
        try_cast(attributes ->> '$."voiceload.turn.deadline"' as decimal(28, 20))::double
    end as deadline_s
from turn_records;
