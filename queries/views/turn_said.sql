-- What turns said beside their figures: the clip that was spoken, and silence inside the reply.
create view turn_said as
select
    run_id,
    call_id,
    turn_index,
    attributes ->> '$."voiceload.turn.clip"' as clip,
    try_cast(attributes ->> '$."voiceload.turn.audio_gap"' as decimal(28, 20))::double as audio_gap_s
from turn_records;
