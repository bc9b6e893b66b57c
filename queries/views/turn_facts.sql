-- The figures of `turns`, by the same words, without what stands in JSON: reports read these alone.
-- Beside them what component_turns needs of turn_work, so that it reads no more than this.
create view turn_facts as
with with_calls as (
    select
        t.*,
        c.outcome as call_outcome,
        n.calls as concurrency,
        t.start_ns - p.start_ns as since_previous_ns,
        -- A call that came to its end leaves its place to the next one: from its last turn to its
        -- end and from its beginning to its first turn are one cycle more of that place.
        case
            when c.outcome in ('completed', 'transferred') and t.turn_index + 1 = c.turn_count
                then (c.ended_ns - c.media_up_ns) / 1e9 - (t.start_ns - z.start_ns) / 1e9
        end as handover_s
    from turn_explained t
    left join calls c using (run_id, call_id)
    left join concurrency n on n.run_id = t.run_id and n.slot = t.start_ns // 250000000
    -- A window over all turns of a call would say the same in three times the time.
    left join (
        select run_id, call_id, turn_index::bigint + 1 as next_index, start_ns from turn_heads
    ) p on p.run_id = t.run_id and p.call_id = t.call_id and p.next_index = t.turn_index
    left join (
        select run_id, call_id, start_ns from turn_heads where turn_index = 0
    ) z on z.run_id = t.run_id and z.call_id = t.call_id
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
    j.response_latency_s,
    j.send_delay_s,
    j.censored,
    case
        when j.response_latency_s is not null and not j.censored and j.explained_s is not null
            -- Of a turn whose spans were not sampled, or were lost, only the network is told: what took
            -- its time is not known, and not without account. Where nobody tells of more, all of it is.
            -- By another clock the work of a turn lies elsewhere in it: it explains nothing.
            and z.run_id is null
            and (k.run_id is null or coalesce(j.s1, j.s2, j.s3, j.s4, j.s5, j.s6, j.s7) is not null)
            -- Nor of one that lacks a component which others have: it was lost, or not needed.
            and not coalesce(k.stt and j.s1 is null or k.llm and j.s4 is null or k.tts and j.s6 is null, false)
            then greatest(0, j.response_latency_s - j.explained_s)
    end as unattributed_s,
    j.outcome,
    j.first,
    j.concurrency,
    j.stage_index,
    j.phase,
    j.latency_s < 0 as impossible,
    first_slot.slot is not null or last_slot.slot is not null as held_up,
    case when j.since_previous_ns > 0 then j.since_previous_ns / 1e9 end as cycle_s,
    case when j.handover_s > 0 then j.handover_s end as handover_s,
    j.call_outcome,
    j.start_ns,
    j.end_ns,
    j.orderly,
    j.failed,
    j.given_up,
    j.us,
    j.ds,
    if(j.network_impossible, null, j.network_done_ns) as f0,
    -- Of a turn that nobody answered only the way up is told: half of what the network takes.
    if(j.ds is null and j.outcome = 'no_response', null, j.network_s) as network_s,
    j.component7,
    columns('^([sfb][1-7]|o[0-7])$')
from judged j
left join (
    -- With less than a fifth of the turns it is not looked for in the others.
    select
        run_id,
        coalesce(sum(told) filter (component = 'stt'), 0) > any_value(turns) / 5 as stt,
        coalesce(sum(told) filter (component = 'llm'), 0) > any_value(turns) / 5 as llm,
        coalesce(sum(told) filter (component = 'tts'), 0) > any_value(turns) / 5 as tts
    from told_sources
    join (select run_id, count(*) as turns from turn_heads group by run_id) using (run_id)
    where component <> 'network'
    group by run_id
) k using (run_id)
left join (select distinct run_id from skewed_sources) z using (run_id)
left join limited_slots first_slot
    on first_slot.run_id = j.run_id and first_slot.slot = j.start_ns // 250000000
left join limited_slots last_slot
    on last_slot.run_id = j.run_id and last_slot.slot = j.end_ns // 250000000;
