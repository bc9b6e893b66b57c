-- title: Metric points as OTLP has them
-- question: What are all metric points of a run, with every field that OTLP carries?
-- columns: resource_id, resource_attributes, resource_dropped, resource_entity_refs, resource_schema_url, scope_id, scope_name, scope_version, scope_attributes, scope_dropped, scope_schema_url, name, kind, unit, description, metadata, is_monotonic, temporality, start_ns, time_ns, value, attributes, point, flags
-- reads: raw_metric_points, raw_resources, raw_scopes
-- In the order of resource, scope and metric, as a request groups them. Without a run all of them.
with resources as (
    select
        resource_id,
        any_value(attributes) as attributes,
        any_value(dropped_attributes_count) as dropped,
        any_value(entity_refs) as entity_refs,
        any_value(schema_url) as schema_url
    from raw_resources
    where $run_id is null or run_id = $run_id
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
    m.resource_id,
    r.attributes as resource_attributes,
    r.dropped as resource_dropped,
    r.entity_refs as resource_entity_refs,
    r.schema_url as resource_schema_url,
    m.scope_id,
    c.name as scope_name,
    c.version as scope_version,
    c.attributes as scope_attributes,
    c.dropped as scope_dropped,
    c.schema_url as scope_schema_url,
    m.name,
    m.kind,
    m.unit,
    m.description,
    m.metadata,
    m.is_monotonic,
    m.temporality,
    m.start_time_unix_nano as start_ns,
    m.time_unix_nano as time_ns,
    m.value,
    m.attributes,
    m.point,
    m.flags
from raw_metric_points m
join resources r using (resource_id)
left join scopes c using (scope_id)
order by m.resource_id, m.scope_id, m.name, m.time_unix_nano
