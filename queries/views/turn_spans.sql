-- The caller's turns with the moments inside them. A turn span begins with the last sample of
-- speech, so its cycle runs from one end of speech to the next. Reading events costs two microseconds a
-- turn: what figures need of turns is in turn_heads.
create view turn_spans as
with marked as (
    select
        *,
        list_transform(
            from_json(events, '[{"time_unix_nano":"UBIGINT","name":"VARCHAR"}]'),
            lambda m: {
                'name': m.name,
                'at_ns': least(m.time_unix_nano, 4611686018427387904::ubigint)::bigint  -- as in run_spans
            }
        ) as marks
    from turn_records
)
select
    run_id,
    call_id,
    turn_index,
    trace_id,
    span_id,
    stage_index,
    phase,
    start_ns,
    end_ns,
    outcome,
    first,
    coalesce(send_delay_s, 0) as send_delay_s,
    latency_s,
    try_cast(attributes ->> '$."voiceload.turn.deadline"' as decimal(28, 20))::double as deadline_s,
    try_cast(attributes ->> '$."voiceload.turn.audio_gap"' as decimal(28, 20))::double as audio_gap_s,
    attributes ->> '$."voiceload.turn.clip"' as clip,
    error_type,
    coalesce(
        list_filter(marks, lambda m: m.name = 'caller.speech.start')[1].at_ns,
        start_ns
    ) as speech_start_ns,
    list_filter(marks, lambda m: m.name = 'agent.audio.first_byte')[1].at_ns as first_byte_ns,
    list_filter(marks, lambda m: m.name = 'agent.audio.first')[1].at_ns as first_audio_ns,
    list_filter(marks, lambda m: m.name = 'agent.audio.last')[1].at_ns as last_audio_ns,
    list_filter(marks, lambda m: m.name = 'agent.transcript.first')[1].at_ns as transcript_ns
from marked;
