"""The part of the Report on what came late or ran out, in the shape of the JSON.

Beside ``report``, whose types these belong to: one file would be too long to read at a sitting.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class SpikeGap(TypedDict):
    """Calls that were carried step by step, and not when they came at once."""

    climbed: float  # the most that were carried step by step
    jumped: float  # the smallest jump that was not
    carried_jump: float | None  # the largest jump below it that was; None: none was tried
    stage_index: int
    p95_s: float
    limit_s: float  # twice the baseline's p95
    failed_share: float  # turns without an answer
    recovered_after_s: float | None  # inside the jump; None: not seen
    before_climb: bool  # the climb may then have found a target that was warm


class LateCapacity(TypedDict):
    """A held level in which a component was slow first, and well after, at the same load."""

    component: str
    calls: float
    stage_index: int
    spike: bool
    started: str
    recovered_after_s: float  # from the begin of the level
    resolution_s: float
    usual_s: float  # own time on the levels below
    worse_s: float
    after_s: float
    turns: int


class QuotaWall(TypedDict):
    """Refusals that began at a constant load, once so many requests had been taken."""

    component: str  # "connect" for calls that the target turned away
    kind: Literal["lasting", "recurring"]
    calls: float
    stage_index: int
    at_s: float  # since the run's first stage; of walls that come back the first one
    at: str | None
    requests: int  # taken since the run began
    last_minute: int  # of these
    refused_share: float  # behind the wall
    error_type: str
    walls: int
    period_s: float | None
    period_requests: int | None  # taken from one wall to the next
