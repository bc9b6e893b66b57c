"""The spike gap: calls that were carried when they came step by step, and not in a jump.

Capacity that is there carries a jump as well as a climb; what carries only the climb arrives late,
as servers that are started on demand do, or pools and caches that fill. Both are judged by one
promise, the one of the degradation ceiling: p95 at most twice the baseline, and at most five points
more turns without an answer.

The first turns of calls are left out: a jump makes all of its calls begin at once, and what a
beginning costs is paid in a climb as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TIMES_BASELINE: Final = 2.0
POINTS: Final = 0.05
MIN_TURNS: Final = 20


@dataclass(frozen=True, slots=True)
class Promise:
    """How the turns of one level or spike fared."""

    stage_index: int
    calls: float
    spike: bool
    turns: int
    p95_s: float
    failed_share: float
    started_ns: int


@dataclass(frozen=True, slots=True)
class SpikeGap:
    """``climbed`` was carried step by step, ``jumped`` was not when it came at once.

    ``carried_jump`` is the largest jump below that was; None: no smaller one was tried.
    """

    climbed: float
    jumped: float
    carried_jump: float | None
    stage_index: int
    p95_s: float
    limit_s: float
    failed_share: float
    before_climb: bool  # whether the jump came first: then the climb may have found it warmed up


def find(promises: Sequence[Promise], baseline_p95_s: float | None = None) -> SpikeGap | None:
    """None when every jump was carried, or nothing at least as large was carried step by step.

    Without a baseline the lowest level stands for one.
    """
    told = [each for each in promises if each.turns >= MIN_TURNS]
    steps = sorted((each for each in told if not each.spike), key=lambda each: each.calls)
    if not steps:
        return None
    base_s = steps[0].p95_s if baseline_p95_s is None else baseline_p95_s
    usual_failures = steps[0].failed_share
    limit_s = TIMES_BASELINE * base_s

    def carried(each: Promise) -> bool:
        return each.p95_s <= limit_s and each.failed_share <= usual_failures + POINTS

    climbed: Promise | None = None
    for step in steps:
        if not carried(step):
            break
        climbed = step
    spikes = [each for each in told if each.spike]
    broken = [each for each in spikes if not carried(each)]
    if climbed is None or not broken:
        return None
    first = min(broken, key=lambda each: each.calls)
    if first.calls > climbed.calls:
        return None
    below = [each.calls for each in spikes if carried(each) and each.calls < first.calls]
    return SpikeGap(
        climbed=climbed.calls,
        jumped=first.calls,
        carried_jump=max(below, default=None),
        stage_index=first.stage_index,
        p95_s=first.p95_s,
        limit_s=limit_s,
        failed_share=first.failed_share,
        before_climb=first.started_ns < climbed.started_ns,
    )


def promises_of(rows: Sequence[Mapping[str, object]]) -> list[Promise]:
    """The rows of the query ``hold_promises``; levels that the load came down to say nothing."""
    return [
        Promise(
            stage_index=_int(row, "stage_index"),
            calls=_float(row, "level"),
            spike=bool(row["spike"]),
            turns=_int(row, "turns"),
            p95_s=_float(row, "p95_s"),
            failed_share=_float(row, "failed_share"),
            started_ns=_int(row, "started_ns"),
        )
        for row in rows
        if not row["returned"] and row["stage_index"] is not None
    ]


def _float(row: Mapping[str, object], name: str) -> float:
    value = row[name]
    assert isinstance(value, int | float)
    return float(value)


def _int(row: Mapping[str, object], name: str) -> int:
    return int(_float(row, name))
