-- What stays of a rolled-up segment beside its cells: the ledger, the resources and scopes, and the
-- few spans that say what was run. The spans that go are a named loss, so the ledger still closes.
insert into segment.meta select * from old.meta;
insert into segment.resources select * from old.resources;
insert into segment.scopes select * from old.scopes;
insert into segment.batches select * from old.batches;
insert into segment.losses select * from old.losses;
insert into segment.spans
select * from old.spans where name in ('run', 'run.start', 'stage', 'stage.start');
insert into segment.losses
select $now_unix_ns, signal, 'retention', 0, items
from (
    select 'traces' as signal,
        (select count(*) from old.spans) - (select count(*) from segment.spans) as items
    union all
    select 'metrics', (select count(*) from old.metric_points)
)
where items > 0;
