-- OTLP metric points with the run of their resource.
create view metric_points as
select
    r.run_id,
    m.name,
    m.kind,
    m.unit,
    make_timestamp(m.time_unix_nano::bigint // 1000) as at,
    m.time_unix_nano::bigint as at_ns,
    m.value,
    m.attributes,
    m.point,
    r.service_name
from raw_metric_points m
left join known_resources r using (resource_id);
