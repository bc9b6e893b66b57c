-- title: What a run says of itself
-- question: What was run, against what, by which plan, and did it end in order?
-- columns: run_id, tag, started, ended, target, wire, profile, seed, validity, stop_reason, shut_down, scenario_hash, clip_pack, co_located, thresholds, spans_ended, spans_lost, hearing_bias_s, hearing_spread_s, planted, peak_calls, plan, starts_dropped, shards, shards_lost, machine_cores, machine_memory_bytes, copy, started_ns
-- reads: runs
select
    run_id, tag, started, ended, target, wire, profile, seed, validity, stop_reason, shut_down,
    scenario_hash, clip_pack, co_located, thresholds, spans_ended, spans_lost, hearing_bias_s,
    hearing_spread_s, planted, peak_calls, plan, starts_dropped, shards, shards_lost,
    machine_cores, machine_memory_bytes, copy, started_ns
from runs
where run_id = $run_id
