-- Pipecat's own tracing: scope `pipecat`, spans `stt`, `llm` and `tts` below a `turn`; seen with 1.14.
-- A latency is `metrics.ttfb` and nothing else: spans last as long as the work, an `stt` span begins
-- with the caller's speech, and a bot without enable_metrics has no latencies at all. That of `stt`
-- counts from the end of speech, so the voice detector's own wait is in it: watch it grow, do not
-- take it for the provider's. How long a request held its server can not be told from waiting for
-- one, hence no busy time. `endpointing` and `text_aggregation` are the pauses between the spans.
with work as (
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
        try_cast(attributes ->> '$."metrics.ttfb"' as double) as ttfb_s,
        min(start_ns) filter (name = 'tts') over turn as first_tts_ns,
        row_number() over (partition by trace_id, parent_span_id, name order by start_ns) as nth,
        row_number() over (partition by trace_id, parent_span_id, name order by end_ns desc) as nth_last
    from run_spans
    where scope_name = 'pipecat' and name in ('stt', 'llm', 'tts')
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
)
select
    run_id,
    'component' as role,
    null::varchar as call_id,
    trace_id,
    span_id,
    name as part,
    service_name,
    from_ns as start_ns,
    to_ns as end_ns,
    component,
    try_no::integer as attempt,
    took_s as latency_s,
    'target_trace' as source,
    if(component = name, error_type, null) as error_type
from observed
where took_s >= 0
