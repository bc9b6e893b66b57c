"""Two runs of the same plan beside each other: the main figures, without a verdict on the change.

Whether a difference is more than chance is another question, which needs intervals and repeated
runs; here both are only shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from otel_voiceload.reports.render.phrases import at_calls, percent, seconds
from otel_voiceload.reports.report import Ceiling, Report

_NAME = 28
_COLUMN = 25


def text(old: Report, new: Report) -> str:
    """A table in 80 columns, the earlier run first."""
    lines = [("", _named(old), _named(new)), *rows(old, new)]
    return "\n".join(
        f"  {name:<{_NAME}}{before:>{_COLUMN}}{after:>{_COLUMN}}".rstrip()
        for name, before, after in lines
    )


def rows(old: Report, new: Report) -> Sequence[tuple[str, str, str]]:
    both = (_figures(old), _figures(new))
    shared = [name for name in both[0] if name in both[1]]
    return [(name, both[0][name], both[1][name]) for name in shared]


def _named(report: Report) -> str:
    name = report["run"]["tag"] or report["run"]["id"]
    return name if len(name) < _COLUMN else f"{name[: _COLUMN - 3]}.."


def _figures(report: Report) -> dict[str, str]:
    turns, connect = report["turn_latency"], report["connect"]
    found = report["inflection"]["candidates"]
    named = ""
    if found:
        named = f"{found[0]['component']} {at_calls(found[0]['calls'], found[0]['ci'])}"
    at_s = turns["censored_at_s"]
    figures = {
        "validity": report["run"]["validity"],
        "thresholds": report["verdict"],
        "bends first": named or report["inflection"]["status"].replace("_", " "),
        "within the thresholds": _ceiling(report["ceiling"]["slo"]),
        "within 2x own baseline": _ceiling(report["ceiling"]["degradation"]),
        "calls connected": str(report["call_completion"]["connected"]),
        "completion": percent(report["call_completion"]["rate"]),
        "connect success": percent(connect["success"]),
        "turns": str(turns["samples"]),
        "turn p50": seconds(turns["p50_s"], at_s),
        "turn p95": seconds(turns["p95_s"], at_s),
        "turn p99": seconds(turns["p99_s"], at_s),
        "unanswered": str(turns["censored"]),
    }
    for component in report["components"]:
        if component["peak_p95_s"] is not None:
            figures[f"{component['component']} p95 at its peak"] = seconds(component["peak_p95_s"])
    return figures


def _ceiling(ceiling: Ceiling) -> str:
    return at_calls(ceiling["calls"], ceiling["ci"])
