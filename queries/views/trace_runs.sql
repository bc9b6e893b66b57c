-- Which run a trace belongs to. Spans of the target and imports carry no run id, so it is resolved
-- here, when reading: from a resource of the same trace, else through a span link in either
-- direction to a trace that is known. One step only: links of links have proved nothing.
create view trace_runs as
with seen as materialized (
    select
        s.trace_id,
        min(r.run_id) as run_id,
        -- A collector that was killed before it answered gets its batch a second time, after its
        -- restart, into another recording; those traces pass the de-duplicating join.
        min(s.recording_id) <> max(s.recording_id) as split,
        min(s.start_time_unix_nano)::bigint as first_ns,
        max(s.end_time_unix_nano)::bigint as last_ns
    from raw_spans s
    left join known_resources r using (resource_id)
    group by s.trace_id
),
links as (
    select trace_id, try(unhex(link.trace_id)) as linked_id
    from (
        select trace_id, unnest(from_json(links, '[{"trace_id":"VARCHAR"}]')) as link
        from raw_spans
        where links is not null
    )
),
through_links as (
    select lost.trace_id, min(known.run_id) as run_id
    from seen lost
    join (
        select trace_id, linked_id from links
        union all
        select linked_id, trace_id from links
    ) way on way.trace_id = lost.trace_id
    join seen known on known.trace_id = way.linked_id and known.run_id is not null
    where lost.run_id is null
    group by lost.trace_id
)
select
    seen.trace_id,
    coalesce(seen.run_id, through_links.run_id) as run_id,
    seen.split,
    seen.first_ns,
    seen.last_ns
from seen
left join through_links using (trace_id);
