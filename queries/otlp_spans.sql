-- title: Spans as OTLP has them
-- question: What are all spans of a run, the target's own included, with every field that OTLP carries?
-- columns: resource_id, resource_attributes, resource_dropped, resource_entity_refs, resource_schema_url, scope_id, scope_name, scope_version, scope_attributes, scope_dropped, scope_schema_url, trace_id, span_id, parent_span_id, trace_state, flags, name, kind, start_ns, end_ns, attributes, dropped_attributes, events, dropped_events, links, dropped_links, status_code, status_message
-- reads: otel_spans, raw_resources, raw_scopes
-- In the order of resource and scope, as a request groups them; ids in lower-case hex. Without a run
-- all spans of the store, for `ovl export all`.
with resources as (
    select
        resource_id,
        any_value(attributes) as attributes,
        any_value(dropped_attributes_count) as dropped,
        any_value(entity_refs) as entity_refs,
        any_value(schema_url) as schema_url
    from raw_resources
    group by resource_id
),
scopes as (
    select
        scope_id,
        any_value(name) as name,
        any_value(version) as version,
        any_value(attributes) as attributes,
        any_value(dropped_attributes_count) as dropped,
        any_value(schema_url) as schema_url
    from raw_scopes
    group by scope_id
)
select
    s.resource_id,
    r.attributes as resource_attributes,
    r.dropped as resource_dropped,
    r.entity_refs as resource_entity_refs,
    r.schema_url as resource_schema_url,
    s.scope_id,
    c.name as scope_name,
    c.version as scope_version,
    c.attributes as scope_attributes,
    c.dropped as scope_dropped,
    c.schema_url as scope_schema_url,
    s.trace_id,
    s.span_id,
    s.parent_span_id,
    s.trace_state,
    s.flags,
    s.name,
    case s.kind
        when 'INTERNAL' then 1 when 'SERVER' then 2 when 'CLIENT' then 3
        when 'PRODUCER' then 4 when 'CONSUMER' then 5 when 'UNSPECIFIED' then 0
        else s.kind::integer
    end as kind,
    s.start_time_unix_nano as start_ns,
    s.end_time_unix_nano as end_ns,
    s.attributes,
    s.dropped_attributes_count as dropped_attributes,
    s.events,
    s.dropped_events_count as dropped_events,
    s.links,
    s.dropped_links_count as dropped_links,
    case s.status_code
        when 'UNSET' then 0 when 'OK' then 1 when 'ERROR' then 2 else s.status_code::integer
    end as status_code,
    s.status_message
from otel_spans s
left join resources r using (resource_id)
left join scopes c using (scope_id)
where $run_id is null or s.run_id = $run_id
order by s.resource_id, s.scope_id, start_ns, s.span_id
