create table scopes (
    scope_id    ubigint not null,
    name        varchar not null,
    version     varchar not null,
    attributes  json not null,
    dropped_attributes_count uinteger not null,
    schema_url  varchar not null
);
