"""What the load took of the machines: at each level, for each call more, and how far that reaches.

The generator's part is always known, the target's where it runs on the same machine or tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from otel_voiceload.reports.report import (
    CallCost,
    ResourceCeiling,
    ResourceLevel,
    ResourceRole,
    Resources,
)

Row = Mapping[str, object]


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


def resources(reading: Answers, run_id: str, facts: Row) -> Resources:
    """``facts`` is the run's row of run_facts. Empty lists where nobody looked."""
    costs = reading.query("marginal_cost", run_id=run_id)
    return {
        "machine_cores": cast("int | None", facts["machine_cores"]),
        "machine_memory_bytes": cast("int | None", facts["machine_memory_bytes"]),
        "per_call": [_cost(row) for row in costs],
        "ceilings": _ceilings(costs),
        "levels": [_level(row) for row in reading.query("resource_levels", run_id=run_id)],
    }


def _cost(row: Row) -> CallCost:
    return {
        "role": cast(ResourceRole, row["role"]),
        "process": str(row["process"]),
        "seconds": cast(int, row["seconds"]),
        "calls_from": _number(row, "lowest_calls"),
        "calls_to": _number(row, "highest_calls"),
        "cpu_idle": _number(row, "cpu_idle"),
        "cpu_per_call": _number(row, "cpu_per_call"),
        "rss_idle_bytes": _number(row, "rss_idle_bytes"),
        "rss_bytes_per_call": _number(row, "rss_bytes_per_call"),
        "sent_bytes_per_s_per_call": _number(row, "sent_bytes_per_s_per_call"),
        "received_bytes_per_s_per_call": _number(row, "received_bytes_per_s_per_call"),
    }


def _ceilings(costs: Sequence[Row]) -> list[ResourceCeiling]:
    """One per role: its processes all carry the same."""
    found: dict[str, ResourceCeiling] = {}
    for row in costs:
        cpu, memory = _number(row, "cpu_ceiling_calls"), _number(row, "memory_ceiling_calls")
        if cpu is not None or memory is not None:
            role = cast(ResourceRole, row["role"])
            found[role] = {"role": role, "cpu_calls": cpu, "memory_calls": memory}
    return list(found.values())


def _level(row: Row) -> ResourceLevel:
    return {
        "role": cast(ResourceRole, row["role"]),
        "source": str(row["source"]),
        "phase": str(row["phase"] or ""),
        "calls": cast(float, row["calls"]),
        "at_s": cast(float, row["at_s"]),
        "seconds": cast(int, row["seconds"]),
        "cpu": _number(row, "cpu"),
        "rss_bytes": _number(row, "rss_bytes"),
        "fds": _number(row, "fds"),
        "sockets": _number(row, "sockets"),
        "sent_bytes_per_s": _number(row, "sent_bytes_per_s"),
        "received_bytes_per_s": _number(row, "received_bytes_per_s"),
        "gc_share": _number(row, "gc_share"),
    }


def _number(row: Row, name: str) -> float | None:
    value = row[name]
    return float(value) if isinstance(value, int | float) else None
