-- scopes: livekit-agents
-- LiveKit Agents' own tracing: scope `livekit-agents`; seen with 1.8. There is no span for speech to
-- text: its latency stands on `user_turn`, as that of the decision that the caller is done, both from
-- the end of speech. `user_turn` and the `agent_turn` that answers it are siblings that overlap, for
-- the model starts on the transcript and before that decision; the one number on both of them,
-- `lk.end_of_turn_delay`, says which belong together. Latencies are named attributes; the spans below
-- `llm_node` and `tts_node` are the same work once more. Content is in `lk.pii.*` since 1.7.
-- Where no caller of ours was there, calls are `agent_session` and turns are `agent_turn` with
-- `lk.e2e_latency`, end of speech to first sound; what the agent says unasked is no turn.
with spans as (
    select
        run_id, trace_id, span_id, parent_span_id, service_name, name, start_ns, end_ns, error_type,
        try_cast(attributes ->> '$."lk.e2e_latency"' as decimal(28, 20))::double as waited_s,
        try_cast(attributes ->> '$."lk.transcription_delay"' as decimal(28, 20))::double as transcribed_s,
        try_cast(attributes ->> '$."lk.end_of_turn_delay"' as decimal(28, 20))::double as decided_s,
        try_cast(attributes ->> '$."lk.interrupted"' as boolean) as interrupted,
        try_cast(coalesce(
            attributes ->> '$."lk.response.ttft"', attributes ->> '$."lk.response.ttfb"'
        ) as decimal(28, 20))::double as first_s,
        count(*) filter (name = 'agent_session') over (partition by trace_id) > 1 as several
    from run_spans
    where scope_name = 'livekit-agents'
        and name in (
            'agent_session', 'user_turn', 'eou_wait', 'agent_turn', 'llm_node', 'tts_node'
        )
),
speech as (
    select
        u.* exclude (run_id, name, end_ns, waited_s, interrupted, first_s, several),
        -- The wait for the end of the turn begins with the end of speech.
        coalesce(w.start_ns, u.end_ns - round(1e9 * coalesce(u.decided_s, u.transcribed_s))::bigint)
            as spoken_ns,
        w.span_id as wait_span_id,
        coalesce((w.end_ns - w.start_ns) / 1e9, u.decided_s) as wait_s
    from spans u
    left join (
        select * from spans where name = 'eou_wait'
        qualify row_number() over (partition by trace_id, parent_span_id order by end_ns desc) = 1
    ) w on w.trace_id = u.trace_id and w.parent_span_id = u.span_id
    where u.name = 'user_turn'
),
replies as (
    select
        a.* exclude (transcribed_s, decided_s, first_s, several),
        s.spoken_ns, s.span_id as user_span_id, s.transcribed_s, s.wait_span_id, s.wait_s,
        s.error_type as user_error_type,
        if(
            a.run_id in (select run_id from heard_runs),
            null,
            lower(hex(a.trace_id)) || if(a.several, '-' || lower(hex(a.parent_span_id)), '')
        ) as call_id,
        row_number() over (
            partition by a.run_id, a.trace_id, a.parent_span_id order by a.start_ns
        ) - 1 as turn_index
    from spans a
    join speech s on s.trace_id = a.trace_id and s.decided_s = a.decided_s
        and s.parent_span_id is not distinct from a.parent_span_id and s.start_ns <= a.start_ns
    where a.name = 'agent_turn'
    qualify row_number() over (
        partition by a.trace_id, a.span_id order by s.start_ns desc
    ) = 1
),
work as (
    select
        w.*,
        min(w.start_ns) filter (w.name = 'tts_node') over turn as first_tts_ns,
        row_number() over (partition by w.trace_id, w.parent_span_id, w.name order by w.start_ns)
            - 1 as attempt
    from spans w
    where w.name in ('llm_node', 'tts_node') and w.first_s > 0
    window turn as (partition by w.trace_id, w.parent_span_id)
),
observed as (
    select
        r.*,
        w.span_id as own_span_id,
        if(w.name = 'llm_node', 'llm', 'tts') as component,
        w.name as part,
        w.attempt,
        w.start_ns as from_ns,
        w.end_ns as to_ns,
        w.first_s as took_s,
        w.error_type as own_error_type
    from work w
    join replies r on r.trace_id = w.trace_id and r.span_id = w.parent_span_id
    -- Tools ask the model again; later sentences are spoken while the first one plays.
    where if(w.name = 'llm_node', w.start_ns <= coalesce(w.first_tts_ns, w.start_ns), w.attempt = 0)
    union all by name
    select
        *,
        user_span_id as own_span_id,
        'stt' as component,
        'user_turn' as part,
        0 as attempt,
        spoken_ns as from_ns,
        spoken_ns + round(1e9 * transcribed_s)::bigint as to_ns,
        transcribed_s as took_s,
        user_error_type as own_error_type
    from replies
    union all by name
    select
        *,
        coalesce(wait_span_id, user_span_id) as own_span_id,
        'endpointing' as component,
        'eou_wait' as part,
        0 as attempt,
        spoken_ns as from_ns,
        spoken_ns + round(1e9 * wait_s)::bigint as to_ns,
        wait_s as took_s,
        null::varchar as own_error_type
    from replies
    union all by name
    -- From the first token, or from the decision when that came later, to the first sentence.
    select
        r.*,
        w.span_id as own_span_id,
        'text_aggregation' as component,
        'llm_node' as part,
        0 as attempt,
        greatest(
            w.start_ns + round(1e9 * w.first_s)::bigint,
            r.spoken_ns + round(1e9 * coalesce(r.wait_s, 0))::bigint
        ) as from_ns,
        w.first_tts_ns as to_ns,
        (w.first_tts_ns - from_ns) / 1e9 as took_s,
        null::varchar as own_error_type
    from work w
    join replies r on r.trace_id = w.trace_id and r.span_id = w.parent_span_id
    where w.name = 'llm_node' and w.first_tts_ns is not null
    qualify row_number() over (partition by w.trace_id, w.parent_span_id order by w.start_ns desc) = 1
)
select
    run_id,
    'component' as role,
    call_id,
    trace_id,
    own_span_id as span_id,
    part,
    service_name,
    from_ns as start_ns,
    greatest(from_ns, to_ns) as end_ns,
    if(call_id is null, null, turn_index)::integer as turn_index,
    null::varchar as outcome,
    null::boolean as first,
    component,
    attempt::integer as attempt,
    took_s as latency_s,
    'target_trace' as source,
    own_error_type as error_type
from observed
where took_s >= 0
union all by name
select
    run_id,
    'turn' as role,
    call_id,
    trace_id,
    span_id,
    'agent_turn' as part,
    service_name,
    spoken_ns as start_ns,
    if(waited_s is null, greatest(end_ns, spoken_ns), spoken_ns + round(1e9 * waited_s)::bigint)
        as end_ns,
    turn_index::integer as turn_index,
    case when waited_s is not null then 'answered' when interrupted then 'interrupted' end
        as outcome,
    turn_index = 0 as first,
    waited_s as latency_s,
    error_type
from replies
where call_id is not null and run_id is not null and spoken_ns > 0
union all by name
select
    run_id,
    'call' as role,
    lower(hex(trace_id)) || if(several, '-' || lower(hex(span_id)), '') as call_id,
    trace_id,
    span_id,
    name as part,
    service_name,
    start_ns,
    end_ns,
    error_type
from spans
where name = 'agent_session' and run_id is not null and end_ns >= start_ns and start_ns > 0
    and run_id not in (select run_id from heard_runs)
