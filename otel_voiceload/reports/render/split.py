"""Latency by the value of an attribute (``ovl analyze --by``), as rows of a table."""

from __future__ import annotations

from typing import Final

from otel_voiceload.reports.build_split import Split, SplitGroup
from otel_voiceload.reports.render.phrases import UNKNOWN, bare_seconds, calls, percent
from otel_voiceload.reports.report import Report

COLUMNS: Final = ("component", "value", "turns", "p50", "p95", "errors", "p95 by calls")


def title(report: Report) -> str:
    split = report.get("by")
    return "" if split is None else f"by {split['attribute']}"


def nobody_says(report: Report) -> str:
    """A sentence where no span has the attribute; nothing where one has."""
    split = report.get("by")
    if split is None or _told(split):
        return ""
    return f"no span of this run says {split['attribute']}"


def _told(split: Split) -> set[str]:
    """The components of which somebody says a value."""
    return {each["component"] for each in split["groups"] if each["value"] != UNKNOWN}


def rows(report: Report) -> list[tuple[str, ...]]:
    """One per component and value: over all levels, then at the lowest and the highest of them.

    Components of which nobody told a value are left out.
    """
    split = report.get("by")
    if split is None:
        return []
    told = _told(split)
    whole = [
        each for each in split["groups"] if each["calls"] is None and each["component"] in told
    ]
    return [_row(each, split["groups"]) for each in whole]


def _row(group: SplitGroup, groups: list[SplitGroup]) -> tuple[str, ...]:
    levels = sorted(
        (
            (each["calls"], _seconds(each["p95_s"], each))
            for each in groups
            if each["calls"] is not None
            and (each["component"], each["value"]) == (group["component"], group["value"])
        ),
        key=lambda each: each[0] or 0.0,
    )
    ends = dict.fromkeys([levels[0], levels[-1]] if levels else [])
    return (
        group["component"],
        group["value"],
        str(group["samples"]),
        _seconds(group["p50_s"], group),
        _seconds(group["p95_s"], group),
        UNKNOWN if group["error_rate"] is None else percent(group["error_rate"]),
        ", ".join(f"{calls(at)}: {p95}" for at, p95 in ends),
    )


def _seconds(value: float | None, group: SplitGroup) -> str:
    return UNKNOWN if value is None else bare_seconds(value, group["open_from_s"])
