-- Accounts of a turn's component that lose against a better source of the same: never two are mixed,
-- since two accounts of the same attempts would count the work twice. Simulated stands alone and comes
-- first, and a source that tells nonsense (`faulty_sources`) comes last. Only of components that more
-- than one source tells of in the run; where there are none, nothing is read.
create view outvoted_sources as
with ranked as (
    select
        w.run_id, w.call_id, w.turn_index, w.component, w.source,
        case w.source
            when 'simulated' then 0 when 'target_trace' then 1 when 'in_band' then 2
            when 'post_call_api' then 3 when 'caller_estimate' then 4 else 5
        end + if(f.source is null, 0, 10) as precedence
    from component_work w
    semi join (
        select run_id, component from told_sources group by run_id, component having count(*) > 1
    ) using (run_id, component)
    left join faulty_sources f
        on f.run_id = w.run_id and f.component = w.component and f.source = w.source
    group by all
)
select r.run_id, r.call_id, r.turn_index, r.component, r.source
from ranked r
join (
    select run_id, call_id, turn_index, component, min(precedence) as best
    from ranked
    group by run_id, call_id, turn_index, component
) b using (run_id, call_id, turn_index, component)
where r.precedence > b.best;
