-- One row per span as received; never changed afterwards. Ids are raw bytes, times as in OTLP.
-- No key, no index: they cost more on the way in than they save on the way out.
-- The attributes that reports use are typed columns (promote.py names them); a value of an
-- unexpected type stays in `attributes`, so nothing is lost by promoting.
create table spans (
    trace_id              blob not null,
    span_id               blob not null,
    parent_span_id        blob,
    trace_state           varchar,
    flags                 uinteger not null,
    name                  varchar not null,
    kind                  utinyint not null,
    start_time_unix_nano  ubigint not null,   -- cast before subtracting: an end before the start is possible
    end_time_unix_nano    ubigint not null,
    status_code           utinyint not null,
    status_message        varchar,
    dropped_attributes_count uinteger not null,
    dropped_events_count  uinteger not null,
    dropped_links_count   uinteger not null,
    resource_id           ubigint not null,
    scope_id              ubigint not null,
    batch_id              ubigint not null,
    -- promoted attributes
    session_id            varchar,            -- session.id
    phase                 varchar,            -- voiceload.phase.name
    stage_index           integer,            -- voiceload.stage.index
    concurrency_target    integer,            -- voiceload.concurrency.target
    concurrency_local     integer,            -- voiceload.concurrency.local
    call_index            integer,            -- voiceload.call.index
    call_outcome          varchar,            -- voiceload.call.outcome
    turn_index            integer,            -- voiceload.turn.index
    turn_outcome          varchar,            -- voiceload.turn.outcome
    turn_first            boolean,            -- voiceload.turn.first
    response_latency_s    double,             -- voiceload.turn.response_latency
    send_delay_s          double,             -- voiceload.turn.send_delay
    component             varchar,            -- voiceload.component.name
    component_attempt     integer,            -- voiceload.component.attempt
    component_latency_s   double,             -- voiceload.component.latency
    component_busy_s      double,             -- voiceload.component.busy
    component_queue_s     double,             -- voiceload.component.queue
    component_source      varchar,            -- voiceload.component.source
    error_type            varchar,            -- error.type
    -- The rest. Zstandard, because DuckDB's own choice (dictionary and FSST) took 83 B/span where
    -- this takes 61, cost a third more time at the checkpoint and read no faster.
    attributes            json using compression zstd, -- NULL when nothing is left after promotion
    events                json using compression zstd, -- NULL when none; [{"time_unix_nano","name","attributes",...}]
    links                 json using compression zstd  -- NULL when none; [{"trace_id","span_id","trace_state",...}]
);
