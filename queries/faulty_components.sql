-- title: Sources that are not believed
-- question: Which source tells so much nonsense of a component that it comes behind every other?
-- columns: component, source, instead
-- reads: faulty_sources, component_chosen
select
    f.component,
    f.source,
    (
        select string_agg(distinct c.source, ', ' order by c.source)
        from component_chosen c
        anti join faulty_sources other using (run_id, component, source)
        where c.run_id = f.run_id and c.component = f.component
    ) as instead
from faulty_sources f
where f.run_id = $run_id
order by f.component, f.source
