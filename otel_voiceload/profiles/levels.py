"""Levels: stages that hold one concurrency, which is the unit of evidence.

Here is also what all profiles have in common that are made of them: how long a level has to be,
what is no load at all, and how many calls a share of the ceiling is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from otel_voiceload.errors import CeilingUnknown
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Plain, Request

CYCLES_PER_HOLD = 4  # fewer turn cycles than this leave nothing to count after the warm-up
# Turn cycles until turns count; half of one more than a step up takes, since after a step down the
# calls that are too many stay until their turn is over.
WARM_UP_CYCLES = 1.5
# Of the turns after it: the first of each call is left out, a call may have but three, and between
# two calls of a place there is nobody to take a turn.
COUNTED_SHARE = 0.5


def level(
    index: int,
    phase: str,
    start_s: float,
    duration_s: float,
    calls: int,
    repeat_of: int | None = None,
    note: str = "",
) -> Stage:
    """A stage that jumps to ``calls`` and holds them."""
    return Stage(
        index, phase, start_s, duration_s, float(calls), float(calls), repeat_of, note=note
    )


def staircase(
    phase: str, levels: Iterable[tuple[int, float]], index: int = 0, start_s: float = 0.0
) -> tuple[Stage, ...]:
    """Levels of (calls, seconds), one after the other."""
    made: list[Stage] = []
    for calls, hold_s in levels:
        made.append(level(index, phase, start_s, hold_s, calls))
        index, start_s = index + 1, start_s + hold_s
    return tuple(made)


def paced_hold_s(hold_s: float, pace: float, turn_cycle_s: float) -> float:
    """A hold stretched by ``pace``, but not shrunk to where there is nothing to count."""
    least_s = min(hold_s, CYCLES_PER_HOLD * turn_cycle_s)
    return max(hold_s * pace, least_s)


def countable_hold_s(calls: int, turns: int, turn_cycle_s: float) -> float:
    """A hold in which so many turns of so few calls can be counted, after the warm-up."""
    cycles = WARM_UP_CYCLES + turns / (COUNTED_SHARE * max(1, calls))
    return max(CYCLES_PER_HOLD, cycles) * turn_cycle_s


def halvings(calls: int, times: int) -> tuple[int, ...]:
    """``calls`` halved so many times, lowest first, each number of calls once."""
    return tuple(sorted({max(1, round(calls / 2**step)) for step in range(times + 1)}))


@dataclass(frozen=True, slots=True)
class Levels(Plain):
    """A profile that holds levels up to ``calls``.

    ``hold_s`` is the length of every level, more where few calls bring ``least_turns`` late.
    """

    calls: int
    hold_s: float
    least_turns: int = 0
    turn_cycle_s: float = 7.0

    name: ClassVar[str]

    @property
    def peak_calls(self) -> int:
        return self.calls

    def problems(self) -> list[str]:
        return lacking(self.name, self.calls, self.hold_s)

    def held_s(self, calls: int) -> float:
        """How long a level of so many calls is held."""
        if not self.least_turns:
            return self.hold_s
        return max(self.hold_s, countable_hold_s(calls, self.least_turns, self.turn_cycle_s))


def lacking(name: str, calls: int, *holds_s: float) -> list[str]:
    """What a profile lacks that has no calls or no time for them, each a sentence."""
    found = []
    if calls < 1:
        found.append(f"a {name} of {calls} calls is none; give --calls 1 or more")
    if min(holds_s) <= 0:
        found.append(f"a {name} needs time at every level; give --duration more than zero")
    return found


def asked_or_share(request: Request, name: str, share: float, most: int) -> tuple[int, str]:
    """The calls asked for, else a share of the measured ceiling up to ``most``, and why so many.

    Raises:
        CeilingUnknown: neither is known.
    """
    if request.calls is not None:
        return request.calls, ""
    ceiling = request.ceiling
    if ceiling is None or ceiling.calls is None:
        why = "" if ceiling is None else f" ({ceiling.source})"
        raise CeilingUnknown(
            f"a {name} holds {share * 100:.0f}% of the measured ceiling, and none is known{why};"
            " give --calls"
        )
    return ceiling.share(share, 1, most)
