-- One row per segment file: which layout this is and which recording it belongs to.
-- A reader that does not know schema_version refuses the file instead of misreading it.
create table meta (
    schema_version  integer not null,
    recording_id    varchar not null,
    segment_number  integer not null,
    created_unix_nano ubigint not null,
    collector_version varchar not null
);
