-- What stays of a rolled-up file beside its cells: the ledger, the resources and scopes, the spans of
-- runs, stages and calls, and what the generator said of itself. The rows that go are a named loss,
-- so the ledger still closes.
insert into segment.meta select * from old.meta;
insert into segment.resources select * from old.resources;
insert into segment.scopes select * from old.scopes;
insert into segment.batches select * from old.batches;
insert into segment.losses select * from old.losses;
insert into segment.spans select * from old.spans where (trace_id, span_id) in (from staying);
insert into segment.metric_points
select m.* from old.metric_points m
where m.name like 'voiceload.%'
    and m.resource_id in (select resource_id from old.resources where run_id is not null);
insert into segment.losses
select $now_unix_ns, signal, 'retention', 0, items
from (
    select 'traces' as signal,
        (select count(*) from old.spans) - (select count(*) from segment.spans) as items
    union all
    select 'metrics',
        (select count(*) from old.metric_points) - (select count(*) from segment.metric_points)
)
where items > 0;
