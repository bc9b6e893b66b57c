"""What a soak drifted in: latency, errors, each component's own time, and what processes took.

A limit that the user wrote, as a threshold on that figure, goes before all others. Where there is
none the machine has some: the files that a process may open, its memory, the free disk. Nothing
tells when a latency is too long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, cast

from otel_voiceload.analysis import drift as analysis
from otel_voiceload.analysis.drift import Block
from otel_voiceload.analysis.thresholds import Threshold
from otel_voiceload.reports.report import Drift

QUERIES: Final = ("drift_blocks", "resource_blocks")
# The least value of which a twentieth matters: a pause of 2 ms that becomes 3 is no leak.
LEAST: Final[Mapping[str, float]] = {
    "s": 0.05,
    "ratio": 1.0,
    "cores": 0.5,
    "By": 20e6,
    "1": 20.0,
}
# Blocks are medians and shares, so only a promise on such a figure is a limit of theirs.
_STATISTICS: Final[Mapping[str, tuple[str, ...]]] = {
    "s": ("p50",),
    "ratio": ("rate",),
    "cores": ("p50", "max", "value"),
    "By": ("p50", "max", "value"),
    "1": ("p50", "max", "value"),
}
_THRESHOLD_OF: Final = {"no_response": "error_rate"}
# What the machine sets an end to: the limit, whose it is, and whether it is reached from above.
_ENDS: Final[Mapping[str, tuple[float, str, bool]]] = {
    "target_fds_used": (1.0, "open files", False),  # of the fullest process, a share of its limit
    "generator_fds_used": (1.0, "open files", False),
    "machine_memory_free": (0.0, "memory", True),
    "machine_disk_free": (0.0, "disk", True),
}
_MEMORY: Final = ("target_memory", "generator_memory")


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


def drifts(
    reading: Answers,
    run_id: str,
    written: Sequence[Threshold],
    memory_bytes: float | None = None,
) -> list[Drift]:
    """One entry per figure of the longest hold of the soak phase; none without such a phase.

    ``memory_bytes`` is all that the generator's machine has.
    """
    series: dict[str, list[Mapping[str, object]]] = {}
    for name in QUERIES:
        for row in reading.query(name, run_id=run_id):
            series.setdefault(str(row["metric"]), []).append(row)
    return [_drift(metric, rows, written, memory_bytes) for metric, rows in series.items()]


def rising(found: Sequence[Drift]) -> tuple[str, ...]:
    """What of the target rose, in words; the generator's own growth is no finding."""
    return tuple(
        each["metric"].replace("_", " ")
        for each in found
        if each["verdict"] == "rising" and not each["metric"].startswith(("generator", "machine"))
    )


def _drift(
    metric: str,
    rows: Sequence[Mapping[str, object]],
    written: Sequence[Threshold],
    memory_bytes: float | None,
) -> Drift:
    unit = str(rows[0]["unit"])
    limit, whose, falls = _limit(metric, unit, written), "promised", False
    if limit is None and metric in _ENDS:
        limit, whose, falls = _ENDS[metric]
    elif limit is None and metric in _MEMORY and rows[0].get("here"):
        limit, whose = memory_bytes, "memory"
    blocks = [
        Block(cast(float, row["at_s"]), cast(float, row["value"]), cast(int, row["samples"]))
        for row in rows
    ]
    found = analysis.find(
        metric, unit, blocks, limit=limit, falls=falls, least_level=_least(metric, unit)
    )
    return {
        "metric": metric,
        "unit": unit,
        "verdict": found.verdict,
        "calls": cast(float, rows[0]["calls"]),
        "hold_s": cast(float, rows[0]["hold_s"]),
        "level": found.level,
        "per_hour": found.per_hour,
        "ci": found.ci,
        "limit": limit,
        "limit_of": None if limit is None else whose,
        "exhausted_in_s": found.exhausted_in_s,
        "exhausted_at_least_s": found.exhausted_at_least_s,
        "why": found.why,
    }


def _least(metric: str, unit: str) -> float:
    """What is left of something that runs out matters by itself, however little it is."""
    return 0.0 if metric in _ENDS and _ENDS[metric][2] else LEAST[unit]


def _limit(metric: str, unit: str, written: Sequence[Threshold]) -> float | None:
    """The lowest that the user promised of this figure, over the whole run or for the soak."""
    limits = [
        each.limit
        for each in written
        if each.metric == _THRESHOLD_OF.get(metric, metric)
        and each.statistic in _STATISTICS[unit]
        and each.wants_less
        and not each.relative_to_baseline
        and each.selector in ((), (("phase", "soak"),))
    ]
    return min(limits) if limits else None
