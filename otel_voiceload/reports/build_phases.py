"""A run phase by phase, and what each spike did: a part has promises of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from otel_voiceload.analysis.judge import Judged
from otel_voiceload.reports import build_figures as figures
from otel_voiceload.reports.build_findings import iso
from otel_voiceload.reports.build_measured import RunSamples
from otel_voiceload.reports.report import Phase, Spike, ThresholdVerdict

Rows = Sequence[Mapping[str, object]]
_WORST_FIRST: tuple[ThresholdVerdict, ...] = ("fail", "unknown", "pass", "not_applicable")


def phases(
    rows: Rows, samples: RunSamples, judged: Sequence[tuple[Judged, bool]] = ()
) -> list[Phase]:
    """One entry per phase, in their order. ``judged`` with whether the user wrote the threshold."""
    return [_phase(row, samples, [each for each, _ in judged]) for row in rows]


def _phase(row: Mapping[str, object], samples: RunSamples, judged: Sequence[Judged]) -> Phase:
    name = str(row["phase"])
    turns = samples.measured["turn_latency"]
    ends = samples.measured["call_completion"]
    latency = figures.latency(turns.where(turns.phases == name))
    completed = ends.values[ends.phases == name]
    of_phase = [each for each in judged if ("phase", name) in each.threshold.selector]
    return {
        "phase": name,
        "started": iso(row["started"]),
        "ended": iso(row["ended"]),
        "stages": cast(int, row["stages"]),
        "calls_from": cast("float | None", row["calls_from"]),
        "calls_to": cast("float | None", row["calls_to"]),
        "per_s_to": cast("float | None", row["per_s_to"]),
        "calls": int(np.count_nonzero(samples.calls["phase"].astype(str) == name)),
        "turns": latency["samples"],
        "p50_s": latency["p50_s"],
        "p95_s": latency["p95_s"],
        "p99_s": latency["p99_s"],
        "completion": float(completed.mean()) if len(completed) else None,
        "error_rate": latency["censored"] / latency["samples"] if latency["samples"] else None,
        "starts_dropped": cast(int, row["starts_dropped"]),
        "note": str(row["note"]),
        "verdict": next(
            (verdict for verdict in _WORST_FIRST if verdict in {e.verdict for e in of_phase}), None
        ),
    }


def spikes(rows: Rows, recoveries: Rows) -> list[Spike]:
    """What the queries ``spikes`` and ``spike_recovery`` say of the same spikes."""
    recovered = {row["stage_index"]: row for row in recoveries}
    found: list[Spike] = []
    for row in rows:
        back: Mapping[str, object] = recovered.get(row["stage_index"], {})
        entry = {
            **{name: row[name] for name in row if name != "started"},
            "started": iso(row["started"]),
            "recovery_s": back.get("recovery_s"),
            "recovery_ci": None,
            "recovery_resolution_s": back.get("resolution_s"),
            "watched_s": back.get("watched_s"),
        }
        found.append(cast(Spike, entry))
    return found
