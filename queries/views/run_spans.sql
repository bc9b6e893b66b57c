-- Every span once (once_spans), with its scope, and with times that one can reckon with.
create view run_spans as
select
    each.*,
    -- OTLP's times reach to the year 2554, a bigint of ns and what is added to one do not: here they
    -- stop in 2116, and one span with a broken clock can not make the store unreadable.
    least(each.start_time_unix_nano, 4611686018427387904::ubigint)::bigint as start_ns,
    least(each.end_time_unix_nano, 4611686018427387904::ubigint)::bigint as end_ns,
    scopes.name as scope_name,
    scopes.version as scope_version
from once_spans each
left join (
    select scope_id, any_value(name) as name, any_value(version) as version
    from raw_scopes group by scope_id
) scopes using (scope_id);
