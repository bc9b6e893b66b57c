-- Which run a trace belongs to, and which call of it. Spans of the target and imports carry no run
-- id, so it is resolved here, when reading, by the first way that leads to one, `joined_by`:
--   trace    a resource of the same trace names the run: certain
--   link     a span link, in either direction, to a trace of the run; one step only, links of links
--            have proved nothing: certain
--   call_id  a conversation, session or room id holds the 32 digits of a call's trace id, which calls
--            carry out in their ids: as good as certain, but the bot could have invented its ids
--   import   none of these, in a recording that `ovl import` made of a file that names no run: the file
--            is the run, and a `run` span in the recording says so. As certain as the choice of the
--            file was
-- `call_trace_id` is the caller's trace, which is another one than `trace_id` for `link` and `call_id`.
create view trace_runs as
with pieces as (
    -- By numbers first: that leaves next to nothing of the spans, and texts are slow to compare.
    select
        trace_id,
        resource_id,
        recording_id,
        min(start_time_unix_nano) as first_unix_nano,
        max(end_time_unix_nano) as last_unix_nano
    from raw_spans
    group by trace_id, resource_id, recording_id
),
seen as materialized (
    select
        p.trace_id,
        min(r.run_id) as run_id,
        -- A collector that was killed before it answered gets its batch a second time, after its
        -- restart, into another recording; those traces pass the de-duplicating join.
        min(p.recording_id) as recording_id,
        min(p.recording_id) <> max(p.recording_id) as split,
        least(min(p.first_unix_nano), 4611686018427387904::ubigint)::bigint as first_ns,
        least(max(p.last_unix_nano), 4611686018427387904::ubigint)::bigint as last_ns
    from pieces p
    left join known_resources r using (resource_id)
    group by p.trace_id
),
lost as materialized (select trace_id from seen where run_id is null),
imports as (
    select s.recording_id, min(r.run_id) as run_id
    from raw_spans s
    join known_resources r using (resource_id)
    where s.name in ('run', 'run.start') and r.service_name = 'ovl-import'
    group by s.recording_id
),
links as (
    select trace_id, try(unhex(link.trace_id)) as linked_id
    from (
        select trace_id, unnest(from_json(links, '[{"trace_id":"VARCHAR"}]')) as link
        from raw_spans
        semi join (select true from lost limit 1) on true
        where links is not null
    )
),
through_links as (
    select lost.trace_id, min(known.run_id) as run_id, min(known.trace_id) as call_trace_id
    from seen lost
    join (
        select trace_id, linked_id from links
        union all
        select linked_id, trace_id from links
    ) way on way.trace_id = lost.trace_id
    join seen known on known.trace_id = way.linked_id and known.run_id is not null
    where lost.run_id is null
    group by lost.trace_id
),
ids as (
    select trace_id, unhex(nullif(regexp_extract(id, '[0-9a-f]{32}'), '')) as named_id
    from (
        select
            s.trace_id,
            unnest(list_append(
                json_extract_string(s.attributes, [
                    '$."conversation.id"', '$."gen_ai.conversation.id"', '$."call.id"',
                    '$."lk.room_sid"', '$."lk.pii.room_name"', '$."lk.room_name"'
                ]),
                s.session_id
            )) as id
        from raw_spans s
        semi join lost using (trace_id)
    )
    where id is not null
),
through_ids as (
    select ids.trace_id, min(known.run_id) as run_id, min(known.trace_id) as call_trace_id
    from ids
    join seen known on known.trace_id = ids.named_id and known.run_id is not null
    group by ids.trace_id
)
select
    seen.trace_id,
    coalesce(seen.run_id, through_links.run_id, through_ids.run_id, imports.run_id) as run_id,
    seen.split,
    seen.first_ns,
    seen.last_ns,
    case
        when seen.run_id is not null then 'trace'
        when through_links.run_id is not null then 'link'
        when through_ids.run_id is not null then 'call_id'
        when imports.run_id is not null then 'import'
    end as joined_by,
    coalesce(
        if(seen.run_id is not null, seen.trace_id, null),
        through_links.call_trace_id,
        through_ids.call_trace_id,
        if(imports.run_id is not null, seen.trace_id, null)
    ) as call_trace_id
from seen
left join through_links using (trace_id)
left join through_ids using (trace_id)
left join imports using (recording_id);
