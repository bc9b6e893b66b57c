-- What is left of the turns whose raw spans were removed: sums and counts that add up over files, in
-- the words of the views that the spans would have given (queries/views/).

-- One row per way in which turns were alike: the whole `turn`, each component, what none explains
-- (`unattributed`), and `audio_gap`. Percentiles are computed anew over all rows, hence the buckets.
create table rollup_cells (
    run_id           varchar not null,
    component        varchar not null,
    source           varchar,
    level_no         integer,           -- as in slot_levels; NULL where the load had no level
    block            integer,
    counts           boolean not null,  -- after the warm-up cut
    limited          boolean not null,  -- the generator was the limit: no evidence
    first            boolean not null,  -- the first turn of its call
    phase            varchar,
    scenario         varchar,
    unix_minute      bigint not null,   -- in which the work began
    failed           boolean not null,  -- of a turn: nobody answered, the latency is the deadline
    interrupted      boolean not null,
    -- Latencies from 2^(bucket / 32) up to 2^((bucket + 1) / 32) seconds, 2.2 % apart; -1000 is
    -- zero, NULL are turns without a latency.
    bucket           smallint,
    turns            uinteger not null,
    sum_s            double,
    self_turns       uinteger not null, -- those of them with a self time of zero or more
    self_sum_s       double,
    self_sum_squares double
);
-- Work by when it ended: what a full component still finishes.
create table rollup_throughput (
    run_id    varchar not null,
    component varchar not null,
    level_no  integer not null,
    block     integer not null,
    finished  uinteger not null,
    ended     uinteger not null
);
create table rollup_cycles (
    run_id   varchar not null,
    level_no integer not null,
    call_id  varchar not null,
    cycles   uinteger not null,
    sum_s    double not null
);
create table rollup_failures (
    run_id     varchar not null,
    component  varchar not null,
    error_type varchar not null,
    attempts   uinteger not null
);
-- What a level's warm-up cut was, as all turns of the run had it: those that remain would say other.
create table rollup_levels (
    run_id         varchar not null,
    level_no       integer not null,
    counts_from_ns bigint,
    keeps_first    boolean not null
);
-- How much was removed, for the ledger and for the report that has to say so.
create table rollup_runs (
    run_id             varchar not null,
    turns              uinteger not null,
    impossible_turns   uinteger not null,
    spans_of_generator uinteger not null,
    spans_of_others    uinteger not null,
    first_ns           bigint not null,  -- the first and the last turn that went
    last_ns            bigint not null
);
