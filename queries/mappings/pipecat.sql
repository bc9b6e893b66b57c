-- scopes: pipecat, pipecat.turn
-- Pipecat's own tracing: scope `pipecat`, spans `stt`, `llm` and `tts` below a `turn`; seen with 1.14.
-- A latency is `metrics.ttfb` and nothing else: spans last as long as the work, an `stt` span begins
-- with the caller's speech, and a bot without enable_metrics has no latencies at all. That of `stt`
-- counts from the end of speech, so the voice detector's own wait is in it: watch it grow, do not
-- take it for the provider's. How long a request held its server can not be told from waiting for
-- one, hence no busy time. `endpointing` and `text_aggregation` are the pauses between the spans.
-- Where no caller of ours was there, calls and turns are Pipecat's own: `conversation`, and `turn` with
-- `turn.user_bot_latency_seconds` from the end of the caller's speech. A `turn` span is no latency: the
-- first opens with the pipeline, and each lasts until the bot has spoken. Nor is the turn in which
-- the bot greets one of the caller's.
with spans as (
    select
        run_id,
        trace_id,
        span_id,
        parent_span_id,
        service_name,
        scope_name,
        name,
        start_ns,
        end_ns,
        error_type,
        attributes,
        count(*) filter (name = 'conversation') over (partition by trace_id) > 1 as several
    from run_spans
    where scope_name in ('pipecat', 'pipecat.turn')
        and name in ('stt', 'llm', 'tts', 'turn', 'conversation')
),
work as (
    select
        run_id,
        trace_id,
        span_id,
        parent_span_id,
        service_name,
        name,
        start_ns,
        end_ns,
        error_type,
        try_cast(attributes ->> '$."metrics.ttfb"' as decimal(28, 20))::double as ttfb_s,
        min(start_ns) filter (name = 'tts') over turn as first_tts_ns,
        row_number() over (partition by trace_id, parent_span_id, name order by start_ns) as nth,
        row_number() over (partition by trace_id, parent_span_id, name order by end_ns desc) as nth_last
    from spans
    where scope_name = 'pipecat'
    window turn as (partition by trace_id, parent_span_id)
),
-- What stands between the caller's last word and the first sound of the reply: the transcript that
-- completed the speech, every call of the model up to the first sentence (tools ask again), and the
-- voice of that sentence. Later sentences are spoken while the first one plays.
gating as (
    select *, nth - 1 as attempt
    from work
    where ttfb_s > 0 and case name
        when 'stt' then nth_last = 1
        when 'llm' then start_ns <= coalesce(first_tts_ns, start_ns)
        when 'tts' then nth = 1
    end
),
observed as (
    select
        *,
        name as component,
        if(name = 'stt', 0, attempt) as try_no,
        if(name = 'stt', end_ns - round(1e9 * ttfb_s)::bigint, start_ns) as from_ns,
        end_ns as to_ns,
        ttfb_s as took_s
    from gating
    union all by name
    select
        *,
        if(name = 'stt', 'endpointing', 'text_aggregation') as component,
        0 as try_no,
        if(name = 'stt', end_ns, start_ns + round(1e9 * ttfb_s)::bigint) as from_ns,
        next_ns as to_ns,
        (next_ns - from_ns) / 1e9 as took_s
    from (
        select
            *,
            if(name = 'stt', min(start_ns) filter (name = 'llm') over turn, first_tts_ns) as next_ns,
            row_number() over (
                partition by trace_id, parent_span_id, name order by start_ns desc
            ) as from_the_end
        from gating
        window turn as (partition by trace_id, parent_span_id)
    )
    where name in ('stt', 'llm') and from_the_end = 1
),
-- Calls and turns of their own, for runs without a caller.
alone as (
    select
        s.*,
        lower(hex(trace_id)) || if(
            several, '-' || lower(hex(if(name = 'turn', parent_span_id, span_id))), ''
        ) as call_id,
        try_cast(attributes ->> '$."turn.user_bot_latency_seconds"' as decimal(28, 20))::double as waited_s,
        try_cast(attributes ->> '$."turn.was_interrupted"' as boolean) as interrupted
    from spans s
    where scope_name = 'pipecat.turn' and run_id is not null and end_ns >= start_ns and start_ns > 0
        and run_id not in (select run_id from heard_runs)
),
own_turns as (
    select
        t.*,
        coalesce(h.spoken_ns, h.first_ns, t.start_ns) as from_ns,
        row_number() over (partition by t.run_id, t.call_id order by t.start_ns) - 1 as turn_index
    from alone t
    left join (
        select
            trace_id,
            parent_span_id as span_id,
            max(end_ns - round(1e9 * ttfb_s)::bigint) filter (name = 'stt') as spoken_ns,
            min(start_ns) filter (name = 'llm') as first_ns
        from gating
        group by trace_id, parent_span_id
    ) h using (trace_id, span_id)
    where t.name = 'turn' and (t.waited_s is not null or h.spoken_ns is not null)
)
select
    o.run_id,
    'component' as role,
    t.call_id,
    o.trace_id,
    o.span_id,
    o.name as part,
    o.service_name,
    o.from_ns as start_ns,
    o.to_ns as end_ns,
    t.turn_index::integer as turn_index,
    null::varchar as outcome,
    null::boolean as first,
    o.component,
    o.try_no::integer as attempt,
    o.took_s as latency_s,
    'target_trace' as source,
    if(o.component = o.name, o.error_type, null) as error_type
from observed o
left join own_turns t on t.trace_id = o.trace_id and t.span_id = o.parent_span_id
where o.took_s >= 0
union all by name
select
    run_id,
    'turn' as role,
    call_id,
    trace_id,
    span_id,
    name as part,
    service_name,
    from_ns as start_ns,
    if(waited_s is null, greatest(end_ns, from_ns), from_ns + round(1e9 * waited_s)::bigint)
        as end_ns,
    turn_index::integer as turn_index,
    case when waited_s is not null then 'answered' when interrupted then 'interrupted' end
        as outcome,
    turn_index = 0 as first,
    waited_s as latency_s,
    error_type
from own_turns
union all by name
select
    run_id, 'call' as role, call_id, trace_id, span_id, name as part, service_name, start_ns, end_ns,
    error_type
from alone
where name = 'conversation'
