-- title: Requests and refusals second by second
-- question: When did a provider begin to refuse, and how many requests had it taken until then?
-- columns: component, second, level_no, calls, attempts, refused, error_type
-- reads: component_selves, calls, slot_levels, stages
-- Refused is what says that a limit was reached: 429, rate limited, resource exhausted, quota. Calls
-- that the target itself turned away so stand under `connect`. `second` counts from the first stage;
-- `level_no` and `calls` only where one number of calls was held all through it.
with asked as (
    select component, start_ns // 1000000000 as unix_second, error_type, count(*) as attempts
    from component_selves
    where run_id = $run_id and error_type is distinct from 'cancelled'
    group by all
    union all
    select 'connect', started_ns // 1000000000, error_type, count(*)
    from calls
    where run_id = $run_id and outcome is distinct from 'aborted_by_us'
    group by all
),
counted as (
    select
        component,
        unix_second,
        sum(attempts) as attempts,
        coalesce(sum(attempts) filter (limited), 0) as refused,
        arg_max(error_type, attempts) filter (limited) as error_type
    from (
        select *, coalesce(regexp_matches(
            lower(error_type), '429|rate.?limit|too.?many|exhausted|quota|throttl'
        ), false) as limited
        from asked
    )
    group by component, unix_second
),
holds as (
    select slot // 4 as unix_second, min(level_no) as level_no, any_value(level)::double as calls
    from slot_levels
    where run_id = $run_id and kind = 'held'
    group by slot // 4
    having count(distinct level_no) = 1 and count(*) = 4
)
select
    component,
    (unix_second - coalesce(
        (select min(started_ns) // 1000000000 from stages where run_id = $run_id),
        min(unix_second) over ()
    ))::integer as second,
    h.level_no,
    h.calls,
    attempts::integer as attempts,
    refused::integer as refused,
    c.error_type
from counted c
left join holds h using (unix_second)
-- What never refused anything needs no row per second.
where component in (select component from counted where refused > 0)
order by component, second
