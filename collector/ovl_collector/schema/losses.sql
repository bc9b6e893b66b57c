-- What was refused and never became a batch, counted by reason, so that nothing vanishes silently.
create table losses (
    at_unix_nano ubigint not null,
    signal       varchar not null,
    reason       varchar not null,           -- 'queue_full', 'too_large', 'undecodable', 'disk', ...
    requests     uinteger not null,
    items        uinteger                    -- NULL when refused before it was parsed
);
