-- Resources are few and repeated on every batch, so spans carry a content hash instead.
-- The hash is of the canonical JSON: the same resource has the same id in every segment.
create table resources (
    resource_id  ubigint not null,
    attributes   json not null,
    dropped_attributes_count uinteger not null,
    entity_refs  json,          -- NULL when none; [{"schema_url","type","id_keys","description_keys"}]
    schema_url   varchar not null,
    service_name varchar,
    run_id       varchar        -- voiceload.run.id, where the resource says it
);
