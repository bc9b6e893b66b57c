-- One row per turn as the caller lived it. Nobody answered: the latency is at least the deadline
-- (censored), never missing. A turn that we cut ourselves by hanging up says nothing of the target
-- and has no latency. One that began or ended while the generator was the limit has a latency that
-- may be the generator's own (`held_up`) and is left out of levels and percentiles.
create view turns as
select
    f.run_id,
    f.call_id,
    f.turn_index,
    make_timestamp(f.start_ns // 1000) as started,
    f.response_latency_s,
    f.response_latency_s + f.send_delay_s as response_latency_scheduled_s,
    f.censored,
    f.unattributed_s,
    f.outcome,
    f.first,
    f.concurrency,
    f.stage_index,
    f.phase,
    f.impossible,
    f.held_up,
    f.cycle_s,
    f.handover_s,
    t.error_type,
    f.call_outcome,
    t.clip,
    t.audio_gap_s,
    t.deadline_s,
    t.trace_id,
    t.span_id,
    f.start_ns,
    f.end_ns,
    t.speech_start_ns,
    t.first_byte_ns,
    t.first_audio_ns,
    t.last_audio_ns,
    t.transcript_ns
from turn_facts f
left join turn_spans t using (run_id, call_id, turn_index);
