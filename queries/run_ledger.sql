-- title: What of a run is in the store
-- question: Were all spans stored that the generator ended?
-- columns: spans_stored, spans_of_target, turns, impossible_turns, calls
-- reads: run_spans, turns, calls
select
    (select count(*) from run_spans
        where run_id = $run_id and service_name is not distinct from 'ovl-caller') as spans_stored,
    (select count(*) from run_spans
        where run_id = $run_id and service_name is distinct from 'ovl-caller') as spans_of_target,
    (select count(*) from turns where run_id = $run_id) as turns,
    (select count(*) from turns where run_id = $run_id and impossible) as impossible_turns,
    (select count(*) from calls where run_id = $run_id) as calls
