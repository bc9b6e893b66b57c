"""The part of the Report on latency inside calls, in the shape of the JSON.

Beside ``report``, as ``report_late`` is: whether answers take longer the later they come in a call,
and whether it is single turns or whole calls that are slow.
"""

from __future__ import annotations

from typing import TypedDict


class TurnsByNumber(TypedDict):
    """Turns by their number in the call, put together by doubling: 1, 2, 3-4, 5-8 and so on."""

    turn_from: int
    turn_to: int
    samples: int
    p50_s: float | None  # None: fewer than 6 turns
    p95_s: float | None
    unattributed_p50_s: float | None


class CallSpread(TypedDict):
    """How answers differ, of calls with at least three turns at the level, without the first."""

    calls: int
    turns: int
    within_s: float | None  # standard deviation of turns around their call's mean
    between_s: float | None  # of calls' true means: what chance alone would spread them is off
    between_share: float | None  # of the variance
    ratio_p50: float | None  # over calls: the slowest turn to the call's mean
    ratio_p95: float | None


class LevelWithin(TypedDict):
    level: float  # calls
    again: bool  # a level held before, returned to after the peak
    by_number: list[TurnsByNumber]
    spread: CallSpread | None  # None: no call had three turns there
