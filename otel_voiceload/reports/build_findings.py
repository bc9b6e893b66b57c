"""The findings of the analysis in the shape of the report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from otel_voiceload.analysis.fixes import Fix as FoundFix
from otel_voiceload.analysis.inflection import SERVED, Finding, Inflections
from otel_voiceload.analysis.judge import Judged
from otel_voiceload.analysis.onset import EXCESS, LEAST_GROWTH_S
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.reports.fix_types import Fix, FixAtPeak
from otel_voiceload.reports.report import (
    ComponentReport,
    CurvePoint,
    FirstInflection,
    Inflection,
    LeftOut,
    Level,
    LevelComponent,
    Role,
    ThresholdResult,
)

Rows = Sequence[Mapping[str, object]]
_ENOUGH = 20  # turns: medians of fewer wander by as much as counts as a rise
UNITS = {"s": "s", "ratio": "ratio", "points": "points", "x": "s", "number": ""}


def iso(moment: object) -> str | None:
    """ISO 8601 in UTC of what the store gives for a time; None stays None."""
    if not isinstance(moment, datetime):
        return None
    return moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")


def inflection(finding: Finding) -> Inflection:
    climb = finding.climb
    return {
        "status": finding.status,
        "candidates": [
            {
                "component": each.component,
                "calls": each.calls,
                "ci": each.ci,
                "certainty": each.certainty,
                "evidence": list(each.evidence),
                "cause": each.cause,
                "cause_evidence": list(each.cause_evidence),
            }
            for each in finding.candidates
        ],
        "tested_up_to": finding.tested_up_to,
        "repeat_level": finding.repeat_level,
        "climb": None if climb is None else {"from": climb[0], "to": climb[1]},
    }


def first_inflection(finding: Finding) -> FirstInflection | None:
    """The short cut for scripts: only when one component is named with a number."""
    if finding.status != "found":
        return None
    first = finding.candidates[0]
    if first.calls is None or first.ci is None:
        return None
    at = datetime.fromtimestamp(first.onset_ns // 1_000_000_000, UTC)
    return {
        "component": first.component,
        "concurrency": first.calls,
        "ci": first.ci,
        "time": at.isoformat().replace("+00:00", "Z"),
    }


def components(
    found: Inflections, curve: Rows, sources: Rows, only: str | None = None
) -> list[ComponentReport]:
    """One entry per component, the four that fixes are bought for first, observed or not."""
    turns: dict[str, int] = {}
    source: dict[str, str] = {}
    for row in sources:  # best represented source first
        name = str(row["component"])
        turns[name] = turns.get(name, 0) + int(cast(int, row["turns"]))
        source.setdefault(name, str(row["source"]))
    names = [*COMPONENTS, *(name for name in turns if name not in COMPONENTS)]
    return [
        _component(name, found, curve, turns.get(name, 0), source.get(name))
        for name in names
        if only is None or name == only
    ]


def _component(
    name: str, found: Inflections, curve: Rows, samples: int, source: str | None
) -> ComponentReport:
    rows = [row for row in curve if row["component"] == name and not row["returned"]]
    points = [_curve_point(row) for row in rows]
    peaks = [point["p95_s"] for point in points if point["p95_s"] is not None]
    bend = found.bends.get(name)
    known = bend is not None and bend.candidate and bend.knee is not None
    return {
        "component": name,
        "role": _role(name, found, points, samples),
        "source": source,
        "samples": samples,
        "baseline_p95_s": points[0]["p95_s"] if points else None,
        "peak_p95_s": max(peaks) if peaks else None,
        "saturation_calls": bend.knee.calls if known and bend and bend.knee else None,
        "curve": points,
    }


def _role(name: str, found: Inflections, points: Sequence[CurvePoint], samples: int) -> Role:
    """Follows: its raw latency rises with the load, but it is others that are full. Where nobody
    is named, what rises may be what fills."""
    if not samples:
        return "unobserved"
    finding = found.components
    if name in [each.component for each in finding.candidates]:
        return "bottleneck" if finding.status in ("found", "at_most") else "candidate"
    medians = [
        point["p50_s"]
        for point in points
        if point["p50_s"] is not None and point["samples"] >= _ENOUGH
    ]
    if medians:
        growth_s = max(medians) - medians[0]
        if growth_s > LEAST_GROWTH_S and growth_s > EXCESS * medians[0]:
            return "follows" if finding.candidates else "candidate"
    return "healthy"


def _curve_point(row: Mapping[str, object]) -> CurvePoint:
    return {
        "concurrency": cast(float, row["concurrency"]),
        "samples": cast(int, row["samples"]),
        "p50_s": cast("float | None", row["p50_s"]),
        "p95_s": cast("float | None", row["p95_s"]),
        "p99_s": cast("float | None", row["p99_s"]),
        "error_rate": cast(float, row["error_rate"]),
        "open_from_s": cast("float | None", row["open_from_s"]),
    }


def in_calls_of_both(rows: Rows, background: float) -> Rows:
    """The rows with the calls that were there already (`--background-calls`) in every number."""
    if not background:
        return rows
    names = ("concurrency", "level", "calls_asked", "calls_held")
    return [
        {
            key: cast(float, value) + background if key in names and value is not None else value
            for key, value in row.items()
        }
        for row in rows
    ]


def left_out(rows: Rows) -> list[LeftOut]:
    return [{"level": cast(float, row["level"]), "calls": cast(int, row["calls"])} for row in rows]


def levels(rows: Rows, curve: Rows, again: Collection[int] = ()) -> list[Level]:
    """The levels in the order of the run, each with what its components took there.

    ``again`` are numbers of levels that were held before, whatever part of the run these are of.
    """
    names = (
        "level", "stage_index", "phase", "calls_asked", "calls_held", "turns", "p50_s", "p95_s",
        "p99_s", "no_response", "completion", "error_rate", "valid", "excluded_why",
    )  # fmt: skip
    # Between its stages, and without any, a run says of no phase that it was one.
    return [
        cast(
            Level,
            {
                **{name: row[name] for name in names},
                "again": row["level_no"] in again
                or any(row["level"] == before["level"] for before in rows[:place]),
                "phase": str(row["phase"] or ""),
                "components": [
                    _level_component(each) for each in curve if each["level_no"] == row["level_no"]
                ],
            },
        )
        for place, row in enumerate(rows)
    ]


def _level_component(row: Mapping[str, object]) -> LevelComponent:
    point = _curve_point(row)
    return {
        "component": str(row["component"]),
        "samples": point["samples"],
        "p50_s": point["p50_s"],
        "p95_s": point["p95_s"],
        "error_rate": point["error_rate"],
        "open_from_s": point["open_from_s"],
    }


def thresholds(judged: Sequence[tuple[Judged, bool]]) -> list[ThresholdResult]:
    """``judged`` pairs each result with whether the user wrote the threshold."""
    results: list[ThresholdResult] = []
    for each, written in judged:
        threshold = each.threshold
        bounded = each.low is not None or each.high is not None
        results.append(
            {
                "metric": threshold.name,
                "expression": threshold.expression,
                "observed": each.observed,
                "at_least": each.at_least,
                "ci": (each.low, each.high) if bounded else None,
                "unit": UNITS[threshold.unit],
                "verdict": each.verdict,
                "needs_calls": each.needs_calls,
                "written_by_user": written,
                "why": each.why,
                "judged_at": each.judged_at,
                "levels_broken": list(each.levels_broken),
                "decides": each.decides,
            }
        )
    return results


def fixes(found: Sequence[FoundFix]) -> list[Fix]:
    return [
        {
            "component": each.component,
            "action": each.action,
            "ceiling_after": each.ceiling_after,
            "ci": each.ci,
            "next_bottleneck": each.next_bottleneck,
            "basis": each.basis,
            "why": each.why,
            "at_peak": _at_peak(each),
        }
        for each in found
    ]


def _at_peak(fix: FoundFix) -> FixAtPeak | None:
    peak = fix.at_peak
    if peak is None:
        return None
    return {
        "calls": peak.calls,
        "now_s": peak.now_s,
        "after_s": peak.after_s,
        "saves_ms": peak.saves_ms,
        "deadline_s": peak.deadline_s,
    }


def missing_components(sources: Rows) -> list[str]:
    """The served components without any timing, when others have some."""
    seen = {str(row["component"]) for row in sources}
    if not seen & set(SERVED):
        return []
    return [name for name in COMPONENTS if name != "network" and name not in seen]
