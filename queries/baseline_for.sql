-- title: The baseline that a run would be compared with
-- question: Which baseline is there of a target, wire, scenarios and clips, before any run of them?
-- columns: run_id, started, profile
-- reads: runs
-- The rules are those of `baseline_run`, for a run that has not been made yet.
select run_id, started, profile
from runs
where
    target is not distinct from $target
    and wire is not distinct from $wire
    and scenario_hash is not distinct from $scenario_hash
    and clip_pack is not distinct from $clip_pack
    and (
        tag = 'baseline'
        or list_contains($marked, run_id)
        or (
            profile = 'baseline'
            and validity = 'valid'
            and coalesce(stop_reason, '') not in ('user', 'kill', 'generator_limit')
        )
    )
order by (tag = 'baseline' or list_contains($marked, run_id)) desc, started desc
limit 1
