"""What came late or ran out, in the shape of the report: capacity, spikes, quotas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from otel_voiceload.analysis import late_capacity, quota, spike_gap, spike_recovery
from otel_voiceload.analysis.late_capacity import Late
from otel_voiceload.analysis.spike_recovery import After
from otel_voiceload.reports import build_phases as phases
from otel_voiceload.reports.report import Spike
from otel_voiceload.reports.report_late import LateCapacity, QuotaWall, SpikeGap
from otel_voiceload.store.reading import Arrays


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...

    def arrays(self, name: str, **parameters: object) -> Arrays: ...


@dataclass(frozen=True, slots=True)
class Found:
    """The sections of a report that are made here."""

    spikes: list[Spike]
    spike_gap: SpikeGap | None
    autoscaling: list[LateCapacity]
    quota_walls: list[QuotaWall]


def late(
    reading: Answers, run_id: str, facts: Mapping[str, object], baseline_p95_s: float | None
) -> Found:
    """``facts`` is the run's row of run_facts."""
    spikes = phases.spikes(
        reading.query("spikes", run_id=run_id), reading.query("spike_recovery", run_id=run_id)
    )
    scaled = autoscaling(reading, run_id)
    return Found(
        spikes=with_intervals(reading, run_id, spikes),
        spike_gap=gap(reading, run_id, spikes, scaled, baseline_p95_s),
        autoscaling=scaled,
        quota_walls=quota_walls(reading, run_id, facts["started"]),
    )


def autoscaling(reading: Answers, run_id: str) -> list[LateCapacity]:
    """Held levels in which it was slow first and well after, in the order of the run."""
    holds = late_capacity.holds_of(reading.query("hold_pieces", run_id=run_id))
    return [_late(each) for each in late_capacity.find(holds)]


def _late(found: Late) -> LateCapacity:
    return {
        "component": found.component,
        "calls": found.calls,
        "stage_index": found.level_no,
        "spike": found.spike,
        "started": _iso(found.started_ns),
        "recovered_after_s": found.recovered_after_s,
        "resolution_s": found.resolution_s,
        "usual_s": found.usual_s,
        "worse_s": found.worse_s,
        "after_s": found.after_s,
        "turns": found.turns,
    }


def gap(
    reading: Answers,
    run_id: str,
    spikes: Sequence[Spike],
    late: Sequence[LateCapacity],
    baseline_p95_s: float | None,
) -> SpikeGap | None:
    """Nothing is asked of a run without a spike."""
    if not spikes:
        return None
    promises = spike_gap.promises_of(reading.query("hold_promises", run_id=run_id))
    found = spike_gap.find(promises, baseline_p95_s)
    if found is None:
        return None
    after = [each["recovered_after_s"] for each in late if each["stage_index"] == found.stage_index]
    return {
        "climbed": found.climbed,
        "jumped": found.jumped,
        "carried_jump": found.carried_jump,
        "stage_index": found.stage_index,
        "p95_s": found.p95_s,
        "limit_s": found.limit_s,
        "failed_share": found.failed_share,
        "recovered_after_s": after[0] if after else None,
        "before_climb": found.before_climb,
    }


def with_intervals(reading: Answers, run_id: str, spikes: Sequence[Spike]) -> list[Spike]:
    """The same spikes with the interval of the time that each needed to recover."""
    if not spikes:
        return []
    turns = reading.arrays("spike_turns", run_id=run_id)
    stages = turns["stage_index"].astype(int)
    found: list[Spike] = []
    for spike in spikes:
        here = stages == spike["stage_index"]
        interval = None
        if here.any():
            after = After(
                since_s=turns["since_s"][here].astype(float),
                latency_s=turns["latency_s"][here].astype(float),
                call=turns["call"][here].astype(np.int64),
                block_s=float(turns["block_s"][here][0].astype(float)),
                watched_s=float(turns["watched_s"][here][0].astype(float)),
            )
            interval = spike_recovery.interval(after)
        found.append({**spike, "recovery_ci": interval})
    return found


def quota_walls(reading: Answers, run_id: str, started: object) -> list[QuotaWall]:
    """``started`` is when the run's first stage began, as the store gives it."""
    series = quota.series_of(reading.query("quota_seconds", run_id=run_id))
    first_s = started.replace(tzinfo=UTC).timestamp() if isinstance(started, datetime) else None
    return [
        {
            "component": each.component,
            "kind": each.kind,
            "calls": each.calls,
            "stage_index": each.level_no,
            "at_s": each.at_s,
            "at": None if first_s is None else _iso(round((first_s + each.at_s) * 1e9)),
            "requests": each.requests,
            "last_minute": each.last_minute,
            "refused_share": each.refused_share,
            "error_type": each.error_type,
            "walls": each.walls,
            "period_s": each.period_s,
            "period_requests": each.period_requests,
        }
        for each in quota.find(series)
    ]


def _iso(unix_ns: int) -> str:
    at = datetime.fromtimestamp(unix_ns // 1_000_000_000, UTC)
    return at.isoformat().replace("+00:00", "Z")
