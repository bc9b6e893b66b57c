"""A report in which every section has something to say: for what all of them have in common."""

from __future__ import annotations

from otel_voiceload.reports.report import Report
from tests.reports.render import test_drift, test_late, test_phases, test_split


def whole_report() -> Report:
    """The demo's, with phases, spikes, late capacity, quotas, drift and a split beside it."""
    report = test_phases.report()
    late = test_late.late()
    report["spike_gap"] = late["spike_gap"]
    report["autoscaling"] = late["autoscaling"]
    report["quota_walls"] = late["quota_walls"]
    report["drift"] = test_drift.soaked()["drift"]
    report["by"] = {"attribute": "gen_ai.request.model", "groups": test_split.GROUPS}
    report["whole_run"] = [
        {"component": "stt", "samples": 6, "p50_s": 0.3, "p95_s": 0.5, "open_from_s": None}
    ]
    report["call_completion"]["left_out"] = [{"level": 96.0, "calls": 7}]
    return report
