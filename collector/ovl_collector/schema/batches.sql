-- The ledger: one row per export request that was answered, in the same transaction as its spans.
-- DuckDB opens a shortened write-ahead log without a word; these counts are what notices it.
create table batches (
    batch_id           ubigint not null,     -- unique within a recording
    received_unix_nano ubigint not null,
    signal             varchar not null,     -- 'traces' | 'metrics'
    request_hash       ubigint not null,     -- of the decoded body: finds byte-identical resends
    peer               varchar not null,
    items_received     uinteger not null,
    items_stored       uinteger not null,
    items_rejected     uinteger not null,
    reject_reasons     json,                 -- {reason: count}
    is_resend          boolean not null,     -- dropped as a byte-identical duplicate: stored = 0
    may_hold_duplicates boolean not null     -- its spans must pass the de-duplicating join when read
);
