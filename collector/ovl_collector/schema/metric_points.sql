-- One row per data point of any OTLP metric kind. Gauges and sums fill `value`; what has no column
-- (buckets, counts, quantiles, exemplars, an exact integer) is JSON in `point`, by its OTLP name.
create table metric_points (
    name                 varchar not null,
    kind                 varchar not null,     -- gauge | sum | histogram | exponential_histogram | summary
    unit                 varchar not null,
    description          varchar not null,
    start_time_unix_nano ubigint,
    time_unix_nano       ubigint not null,
    value                double,
    is_monotonic         boolean,
    temporality          utinyint,
    attributes           json,
    point                json,                 -- NULL when the columns hold everything
    metadata             json,                 -- the metric's own attributes
    flags                uinteger not null,
    resource_id          ubigint not null,
    scope_id             ubigint not null,
    batch_id             ubigint not null
);
