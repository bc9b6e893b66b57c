"""What the load took of the machines, in words and as a table, for every form of the report.

Words say the cost of a call and how far the machine would reach; the table has a line per level in
the order of the run, so that what stays after the load went shows.
"""

from __future__ import annotations

from typing import Final

from otel_voiceload.reports.render.phrases import UNKNOWN, calls, number, percent
from otel_voiceload.reports.report import CallCost, Report, ResourceCeiling, ResourceLevel

COLUMNS: Final = ("at", "calls", "of", "cores", "MB", "files", "sent", "received", "gc")
UNITS: Final = "at: seconds of the run; traffic: kB/s in calls; gc: share of its time"
NOTHING: Final = "-"
# A slope below zero is what chance left of one that can not be seen.
NO_CORES: Final = "no cores that could be measured"
NO_MEMORY: Final = "no memory that could be measured"


def about_resources(report: Report) -> list[str]:
    """What a call more costs and where the machine would be full; nothing where nobody looked."""
    found = report["resources"]
    if not found["levels"]:
        return []
    if not found["per_call"]:
        return ["what a call costs is unknown: one level has no slope"]
    lines = [_cost(cost) for cost in found["per_call"]]
    lines += [_ceiling(each, report) for each in found["ceilings"]]
    return lines


def _cost(cost: CallCost) -> str:
    name = cost["process"]
    if cost["role"] == "target" and name != "target":
        name = f"target {name}"
    parts = []
    if cost["cpu_per_call"] is not None:
        grows = cost["cpu_per_call"] > 0
        parts.append(f"{_milli(cost['cpu_per_call'])} cores" if grows else NO_CORES)
    if cost["rss_bytes_per_call"] is not None:
        grows = cost["rss_bytes_per_call"] > 0
        parts.append(f"{_scaled(cost['rss_bytes_per_call'], 1e3)} kB" if grows else NO_MEMORY)
    both = cost["sent_bytes_per_s_per_call"], cost["received_bytes_per_s_per_call"]
    if both[0] is not None and both[1] is not None:
        parts.append(f"{_scaled(both[0], 1e3)} kB/s sent, {_scaled(both[1], 1e3)} kB/s received")
    idle = ""
    if cost["cpu_idle"] is not None and cost["rss_idle_bytes"] is not None:
        idle = f"; idle {_milli(cost['cpu_idle'])} cores, {_scaled(cost['rss_idle_bytes'], 1e6)} MB"
    return f"{name}: {', '.join(parts) or UNKNOWN} per call{idle}"


def _ceiling(ceiling: ResourceCeiling, report: Report) -> str:
    cores = report["resources"]["machine_cores"]
    memory = report["resources"]["machine_memory_bytes"]
    of_cores = "" if cores is None else f" ({cores})"
    of_memory = "" if memory is None else f" ({memory / 2**30:.1f} GiB)"
    return (
        f"this machine all for the {ceiling['role']}: its cores{of_cores} for"
        f" {_many(ceiling['cpu_calls'])} calls, its memory{of_memory} for"
        f" {_many(ceiling['memory_calls'])}, along a straight line from what was held"
    )


def rows(report: Report) -> list[tuple[str, ...]]:
    """Cells as in ``COLUMNS``."""
    return [_row(level) for level in report["resources"]["levels"]]


def _row(level: ResourceLevel) -> tuple[str, ...]:
    return (
        f"{level['at_s']:.0f}",
        calls(level["calls"]),
        level["role"],
        NOTHING if level["cpu"] is None else number(level["cpu"]),
        _cell(level["rss_bytes"], 1e6),
        _cell(level["fds"], 1),
        _cell(level["sent_bytes_per_s"], 1e3),
        _cell(level["received_bytes_per_s"], 1e3),
        NOTHING if level["gc_share"] is None else percent(level["gc_share"]),
    )


def _cell(value: float | None, scale: float) -> str:
    return NOTHING if value is None else f"{value / scale:.0f}"


def _many(found: float | None) -> str:
    return UNKNOWN if found is None else f"{found:,.0f}"


def _scaled(value: float, scale: float) -> str:
    return number(value / scale)


def _milli(cores: float) -> str:
    """A call takes thousandths of a core: two figures of it, however small."""
    return f"{cores:.2g}" if abs(cores) < 0.1 else number(cores)
