-- title: What a call is like while nothing waits
-- question: How long is a call, how many turns has it, and who speaks how long, below $knee_calls calls?
-- columns: calls, length_s, turns_per_call, turns, latency_s, speech_s, reply_s, deadline_s
-- reads: calls, turn_facts, turn_spans, slot_levels
-- Calls that came to their natural end, and turns at levels under $knee_calls (all where it is
-- NULL): past the knee a call is longer than its callers mean it to be. NULL where nothing of the
-- kind was seen. The moments of a turn stand in JSON, so where turns are very many a $share of them,
-- 0 to 1, is listened to (all where it is NULL), chosen by their ids: for a mean they are plenty.
with quiet as (
    select run_id, slot from slot_levels
    where run_id = $run_id and counts and ($knee_calls::double is null or level < $knee_calls)
),
whole as (
    select c.call_id, (c.ended_ns - c.started_ns) / 1e9 as length_s, c.turn_count
    from calls c
    join quiet q on q.run_id = c.run_id and q.slot = c.started_ns // 250000000
    where c.outcome in ('completed', 'transferred') and c.turn_count > 0
),
heard as (
    select
        t.response_latency_s,
        (m.start_ns - m.speech_start_ns) / 1e9 as speech_s,
        (m.last_audio_ns - m.first_audio_ns) / 1e9 as reply_s,
        m.deadline_s
    from turn_facts t
    join quiet q on q.run_id = t.run_id and q.slot = t.start_ns // 250000000
    join (
        from turn_spans
        -- Not by a remainder: what might divide by zero is not asked before the JSON is read.
        where $share::double is null or hash(span_id) < $share::double * 18446744073709551615
    ) m on m.run_id = t.run_id and m.call_id = t.call_id
        and m.turn_index = t.turn_index
    where t.outcome = 'answered' and t.response_latency_s >= 0 and not coalesce(t.first, false)
)
select
    (select count(*) from whole)::integer as calls,
    (select avg(length_s) from whole) as length_s,
    (select avg(turn_count) from whole) as turns_per_call,
    (select count(*) from heard)::integer as turns,
    (select avg(response_latency_s) from heard) as latency_s,
    (select avg(speech_s) from heard where speech_s > 0) as speech_s,
    (select avg(reply_s) from heard where reply_s > 0) as reply_s,
    (select median(deadline_s) from heard) as deadline_s
