-- title: The tagged baseline of a run
-- question: Which baseline, tagged or marked, had the same target, wire, scenarios and clips?
-- columns: run_id, started
-- reads: runs
-- Never another target's: its figures would say nothing of this one.
select other.run_id, other.started
from runs this
join runs other
    on (other.tag = 'baseline' or list_contains($marked, other.run_id))
    and other.run_id <> this.run_id
    and other.target is not distinct from this.target
    and other.wire is not distinct from this.wire
    and other.scenario_hash is not distinct from this.scenario_hash
    and other.clip_pack is not distinct from this.clip_pack
where this.run_id = $of_run
order by other.started_ns desc
limit 1
