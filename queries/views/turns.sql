-- One row per turn as the caller lived it. Nobody answered: the latency is at least the deadline
-- (censored), never missing. A turn that we cut ourselves by hanging up says nothing of the target
-- and has no latency. One that began or ended while the generator was the limit has a latency that
-- may be the generator's own (`held_up`) and is left out of levels and percentiles.
create view turns as
with explained as (
    -- Union of the chosen components' intervals up to the first audio: stages overlap in many
    -- stacks, so adding them up would explain more than there was.
    select run_id, call_id, turn_index, sum(greatest(0, till_ns - greatest(from_ns, before_ns))) / 1e9
        as explained_s
    from (
        select
            *,
            coalesce(max(till_ns) over (
                partition by run_id, call_id, turn_index order by from_ns, till_ns
                rows between unbounded preceding and 1 preceding
            ), from_ns) as before_ns
        from (
            select
                o.run_id,
                o.call_id,
                o.turn_index,
                greatest(o.start_ns, t.start_ns) as from_ns,
                -- Network's way back ends with the first audio, so its own end counts.
                least(if(o.component = 'network', o.end_ns, o.first_ns), t.end_ns) as till_ns
            from component_chosen o
            join turn_spans t using (run_id, call_id, turn_index)
        )
        where till_ns > from_ns
    )
    group by run_id, call_id, turn_index
),
with_calls as (
    select
        t.*,
        c.outcome as call_outcome,
        n.calls as concurrency,
        t.start_ns - lag(t.start_ns) over w as since_previous_ns,
        t.turn_index::bigint - lag(t.turn_index) over w as step,
        -- A call that came to its end leaves its place to the next one: from its last turn to its
        -- end and from its beginning to its first turn are one cycle more of that place.
        case
            when c.outcome in ('completed', 'transferred') and t.turn_index + 1 = c.turn_count
                and first_value(t.turn_index) over w = 0
                then (c.ended_ns - c.media_up_ns) / 1e9
                    - (t.start_ns - first_value(t.start_ns) over w) / 1e9
        end as handover_s
    from turn_spans t
    left join calls c using (run_id, call_id)
    left join concurrency n on n.run_id = t.run_id and n.slot = t.start_ns // 250000000
    window w as (partition by t.run_id, t.call_id order by t.turn_index)
),
judged as (
    select
        *,
        -- Interrupted: the agent spoke before the caller had finished; there is no wait to measure.
        latency_s is null and outcome in ('no_response', 'cut_off')
            and coalesce(call_outcome, 'aborted_by_us') <> 'aborted_by_us' as censored,
        case
            when latency_s >= 0 then latency_s
            when censored
                then greatest(0, coalesce(deadline_s, (end_ns - start_ns) / 1e9))
        end as response_latency_s
    from with_calls
)
select
    j.run_id,
    j.call_id,
    j.turn_index,
    make_timestamp(j.start_ns // 1000) as started,
    j.response_latency_s,
    j.response_latency_s + j.send_delay_s as response_latency_scheduled_s,
    j.censored,
    case
        when j.response_latency_s is not null and not j.censored and e.explained_s is not null
            then greatest(0, j.response_latency_s - e.explained_s)
    end as unattributed_s,
    j.outcome,
    j.first,
    j.concurrency,
    j.stage_index,
    j.phase,
    j.latency_s < 0 as impossible,
    first_slot.slot is not null or last_slot.slot is not null as held_up,
    case when j.step = 1 and j.since_previous_ns > 0 then j.since_previous_ns / 1e9 end as cycle_s,
    case when j.handover_s > 0 then j.handover_s end as handover_s,
    j.error_type,
    j.call_outcome,
    j.clip,
    j.audio_gap_s,
    j.deadline_s,
    j.trace_id,
    j.span_id,
    j.start_ns,
    j.end_ns,
    j.speech_start_ns,
    j.first_byte_ns,
    j.first_audio_ns,
    j.last_audio_ns,
    j.transcript_ns
from judged j
left join explained e using (run_id, call_id, turn_index)
left join limited_slots first_slot
    on first_slot.run_id = j.run_id and first_slot.slot = j.start_ns // 250000000
left join limited_slots last_slot
    on last_slot.run_id = j.run_id and last_slot.slot = j.end_ns // 250000000;
