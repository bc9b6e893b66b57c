"""Ten calls, for as long as it takes that enough of them come to their natural end.

Few calls, so that nothing queues; many ends, because a completion rate of 75 calls is the least
that can be told from one five points lower. The ends are waited for at any pace: a baseline without
them is none. Two smaller levels come first: what one call more costs is a slope, and a single level
has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Findings, Plain, Request
from otel_voiceload.profiles.levels import level, paced_hold_s, staircase

PHASE = "baseline"
MAX_CALLS = 10  # above this it is no baseline: components may queue already
HOLD_S = 60.0
PIECE_S = 30.0
SMALL_LEVELS = (2, 5)
SMALL_S = 20.0
SMALL_SHARE = 0.5  # of a duration that was given; where they would take more there are none
LONGEST_S = 900.0
ENDS = 75
ENDS_EACH = 5


@dataclass(frozen=True, slots=True)
class Options(Plain):
    """``hold_s`` at first, then pieces of ``piece_s`` until the ends are there or time is up.

    Before it each of ``small_levels`` for ``small_s``. ``ends_each`` of every one of ``scenarios``,
    ``natural_ends`` in all.
    """

    calls: int = MAX_CALLS
    hold_s: float = HOLD_S
    piece_s: float = PIECE_S
    longest_s: float = LONGEST_S
    natural_ends: int = ENDS
    scenarios: tuple[str, ...] = ()
    ends_each: int = ENDS_EACH
    small_levels: tuple[int, ...] = ()
    small_s: float = SMALL_S

    name: ClassVar[str] = "baseline"
    seeks_limit: ClassVar[bool] = False

    @classmethod
    def of(cls, request: Request) -> Self:
        if request.stages:
            raise UsageError("the baseline profile has its own stages; leave out --stage")
        calls = MAX_CALLS if request.calls is None else request.calls
        hold_s = paced_hold_s(HOLD_S, request.pace, request.turn_cycle_s)
        piece_s = paced_hold_s(PIECE_S, request.pace, request.turn_cycle_s)
        longest_s = LONGEST_S * max(1.0, request.pace)
        small_s = paced_hold_s(SMALL_S, request.pace, request.turn_cycle_s)
        small = tuple(each for each in SMALL_LEVELS if each < calls)
        if request.duration_s is not None:
            longest_s = request.duration_s * request.pace
            if len(small) * small_s > SMALL_SHARE * longest_s:
                small = ()
            hold_s = min(hold_s, longest_s - len(small) * small_s)
        return cls(
            calls,
            hold_s,
            piece_s,
            longest_s,
            scenarios=request.scenarios,
            small_levels=small,
            small_s=small_s,
        )

    @property
    def peak_calls(self) -> int:
        return self.calls

    def problems(self) -> list[str]:
        found = []
        if not 1 <= self.calls <= MAX_CALLS:
            found.append(f"a baseline holds 1 to {MAX_CALLS} calls, not {self.calls}; use --calls")
        if self.hold_s <= 0:
            found.append("a baseline needs time; give --duration more than zero")
        return found

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        if not findings.stages:
            small = [(calls, self.small_s) for calls in self.small_levels]
            return staircase(PHASE, [*small, (self.calls, self.hold_s)])
        left_s = self.longest_s - findings.end_s
        if self._enough(findings) or left_s <= 0:
            return None
        index, piece_s = len(findings.stages), min(self.piece_s, left_s)
        return (level(index, PHASE, findings.end_s, piece_s, self.calls),)

    def _enough(self, findings: Findings) -> bool:
        return findings.natural_ends >= self.natural_ends and all(
            findings.scenario_ends[name] >= self.ends_each for name in self.scenarios
        )
