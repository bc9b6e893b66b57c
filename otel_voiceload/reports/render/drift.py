"""What drifted over a soak, in words: the same in every form of the report.

What drifts is told line by line; what is steady is only named, since it is what one hopes for.
"""

from __future__ import annotations

from otel_voiceload.reports.render.phrases import calls, number, percent, seconds, span_of
from otel_voiceload.reports.report import Drift, Report


def about_drift(report: Report) -> list[str]:
    """A few sentences, what moves first; nothing for a run without a soak."""
    entries = report["drift"]
    if not entries:
        return []
    first = entries[0]
    lines = [f"over {span_of(first['hold_s'])} at {calls(first['calls'])} calls:"]
    moving = [each for each in entries if each["verdict"] in ("rising", "falling")]
    lines += [_moving(each) for each in moving]
    steady = [_name(each) for each in entries if each["verdict"] == "steady"]
    if steady:
        lines.append(f"steady within 5%: {', '.join(steady)}")
    for why in dict.fromkeys(each["why"] for each in entries if each["verdict"] == "unknown"):
        names = [_name(each) for each in entries if each["why"] == why]
        lines.append(f"unknown: {', '.join(names)}: {why}")
    return lines


def _moving(entry: Drift) -> str:
    unit, ci = entry["unit"], entry["ci"]
    between = "" if ci is None else f" ({_signed(ci[0], unit)} to {_signed(ci[1], unit)})"
    text = (
        f"{_name(entry)} {entry['verdict']}: {_signed(entry['per_hour'], unit)} per hour{between}"
        f" at a level of {_figure(entry['level'], unit)}"
    )
    if entry["limit"] is None or entry["exhausted_in_s"] is None:
        return text
    soonest = entry["exhausted_at_least_s"]
    early = "" if soonest is None else f", {span_of(soonest)} at the earliest"
    left = f"in {span_of(entry['exhausted_in_s'])}{early}"
    whose = entry["limit_of"]
    if whose in (None, "promised"):
        return f"{text}; at {_figure(entry['limit'], unit)} {left}"
    return f"{text}; {whose} used up {left}"


def _name(entry: Drift) -> str:
    return entry["metric"].replace("_", " ")


def _signed(value: float | None, unit: str) -> str:
    sign = "+" if value is not None and value > 0 else ""
    return sign + _figure(value, unit)


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    match unit:
        case "s":
            return seconds(value)
        case "ratio":
            return percent(value)
        case "By":
            large = abs(value) >= 1e10
            return f"{number(value / 1e9)} GB" if large else f"{number(value / 1e6)} MB"
        case "cores":
            return f"{number(value)} cores"
        case _:
            return number(value)
