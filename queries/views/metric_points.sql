-- OTLP metric points with the run of their resource.
create view metric_points as
select
    r.run_id,
    m.name,
    m.kind,
    m.unit,
    make_timestamp(least(m.time_unix_nano, 4611686018427387904::ubigint)::bigint // 1000) as at,
    least(m.time_unix_nano, 4611686018427387904::ubigint)::bigint as at_ns,  -- as in run_spans
    m.value,
    m.attributes,
    m.point,
    r.service_name
from raw_metric_points m
left join known_resources r using (resource_id);
