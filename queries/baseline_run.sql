-- title: The baseline of a run
-- question: Which baseline, tagged, marked or held by its profile, had the same target, wire, scenarios and clips?
-- columns: run_id, started, chosen
-- reads: runs
-- Never another target's: its figures would say nothing of this one. What somebody chose goes before
-- a run of the profile `baseline`, which has to have come to its own end, with nothing said against
-- it and before this one: a baseline never looks ahead.
select other.run_id, other.started, other.chosen
from runs this
join (select *, tag = 'baseline' or list_contains($marked, run_id) as chosen from runs) other
    on (
        other.chosen
        or (
            other.profile = 'baseline'
            and this.profile <> 'baseline'
            and other.validity = 'valid'
            and coalesce(other.stop_reason, '') not in ('user', 'kill', 'generator_limit')
            and other.started_ns < this.started_ns
        )
    )
    and other.run_id <> this.run_id
    and other.target is not distinct from this.target
    and other.wire is not distinct from this.wire
    and other.scenario_hash is not distinct from this.scenario_hash
    and other.clip_pack is not distinct from this.clip_pack
where this.run_id = $of_run
order by other.chosen desc, other.started_ns desc
limit 1
