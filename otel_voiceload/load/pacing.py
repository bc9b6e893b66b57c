"""How many calls to hold, when that changes, and how late a start is: pure, told the time.

The closed model: a number of calls is held, and a call that ends is replaced at once. Where a stage
jumps up, the starts are spread over one mean turn cycle, because callers who all start together go
on speaking together and queue where no steady load would. Where so many can not begin within one
cycle, they begin over two, or three: over one and a third, a third of all phases would hold twice
as many callers as the others. A jump down is immediate: the surplus calls hang up after their turn,
which spreads them by itself.

    calls asked         stages          offered
      24                 ┌─────           ╱────
      12            ─────┘            ───╱          <- one turn cycle
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from otel_voiceload.model import Stage

NEVER_S = math.inf


@dataclass(frozen=True, slots=True)
class _Piece:
    """The offered level runs straight from one point to another."""

    start_s: float
    end_s: float
    calls_from: float
    calls_to: float

    def at(self, elapsed_s: float) -> float:
        if self.end_s <= self.start_s:
            return self.calls_to
        share = (elapsed_s - self.start_s) / (self.end_s - self.start_s)
        return self.calls_from + (self.calls_to - self.calls_from) * min(1.0, max(0.0, share))

    def reaches_s(self, calls: float) -> float:
        """When a sloped piece passes a level."""
        share = (calls - self.calls_from) / (self.calls_to - self.calls_from)
        return self.start_s + share * (self.end_s - self.start_s)


class Offered:
    """The number of calls to hold, over the time since the first stage's start.

    After the last stage its level is held: whoever decides on the next one may be late, and a gap
    in the load would be an event of its own.

    Args:
        spread_s: the mean turn cycle.
        most_per_s: calls that may begin per second, of all shards.
    """

    def __init__(
        self, stages: Iterable[Stage], spread_s: float, most_per_s: float = math.inf
    ) -> None:
        self.stages = tuple(stages)
        self._spread_s = spread_s
        self._most_per_s = most_per_s
        self._pieces: list[_Piece] = []
        before = 0.0
        for stage in self.stages:
            before = self._add(stage, before)
        self._starts_s = [piece.start_s for piece in self._pieces]
        self._stage_starts_s = [stage.start_s for stage in self.stages]

    @property
    def end_s(self) -> float:
        return self.stages[-1].end_s if self.stages else 0.0

    @property
    def open(self) -> bool:
        """Whether calls arrive by themselves instead of being held; a run is one or the other."""
        return bool(self.stages) and self.stages[0].arrivals is not None

    def asked(self, elapsed_s: float) -> int:
        """Calls to hold; halves are rounded up, so that the starts of a step sit centred in it."""
        return math.floor(self._level(elapsed_s) + 0.5)

    def stage(self, elapsed_s: float) -> Stage | None:
        """The stage of a moment; the last one goes on until another follows."""
        at = bisect_right(self._stage_starts_s, elapsed_s) - 1
        return self.stages[at] if at >= 0 else None

    def changes_s(self, elapsed_s: float) -> float:
        """When ``asked`` or the stage may differ next; ``NEVER_S`` when nothing more is known.

        On a falling piece the change comes just after the moment given, so whoever waits for it
        should look again a little later and not at once.
        """
        for piece in self._pieces[max(0, self._index(elapsed_s)) :]:
            if piece.start_s > elapsed_s:
                return piece.start_s
            if piece.end_s <= elapsed_s:
                continue
            if piece.calls_from != piece.calls_to:
                half = 0.5 if piece.calls_to > piece.calls_from else -0.5
                next_s = piece.reaches_s(math.floor(piece.at(elapsed_s) + 0.5) + half)
                return min(max(next_s, elapsed_s), piece.end_s)
            return piece.end_s
        return NEVER_S

    def rose_s(self, calls: int, elapsed_s: float) -> float:
        """When ``asked`` last rose to ``calls``, up to ``elapsed_s``: the schedule of a start."""
        wanted = calls - 0.5
        for piece in reversed(self._pieces[: self._index(elapsed_s) + 1]):
            if piece.calls_from < wanted <= piece.calls_to:
                risen_s = piece.reaches_s(wanted)
                if risen_s <= elapsed_s:
                    return risen_s
        return elapsed_s

    def _add(self, stage: Stage, before: float) -> float:
        start_s = stage.start_s
        if stage.calls_from > before:
            risen = stage.calls_from - before
            joined_s = min(stage.start_s + self._rise_s(stage, risen), stage.end_s)
            joined = stage.calls_at(joined_s)
            self._pieces.append(_Piece(start_s, joined_s, before, joined))
            start_s, before = joined_s, joined
        else:
            before = stage.calls_from
        if start_s < stage.end_s:
            self._pieces.append(_Piece(start_s, stage.end_s, before, stage.calls_to))
        return stage.calls_to

    def _rise_s(self, stage: Stage, calls: float) -> float:
        """How long a step of so many calls takes: whole turn cycles, as many as it needs."""
        if stage.at_once or not self._spread_s:
            return 0.0
        cycles = math.ceil(calls / self._most_per_s / self._spread_s)
        return max(1, cycles) * self._spread_s

    def _level(self, elapsed_s: float) -> float:
        index = self._index(elapsed_s)
        return self._pieces[index].at(elapsed_s) if index >= 0 else 0.0

    def _index(self, elapsed_s: float) -> int:
        return bisect_right(self._starts_s, elapsed_s) - 1


def share(calls: int, shard_index: int, shard_count: int) -> int:
    """A shard's part; the parts of all shards add up to ``calls`` and differ by one at most."""
    return calls // shard_count + (shard_index < calls % shard_count)


def asked_for_share(held: int, shard_index: int, shard_count: int) -> int:
    """The least number of calls asked for at which this shard's share is ``held``, 1 or more."""
    return (held - 1) * shard_count + shard_index + 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now: at most one of the two is not zero."""

    start: int
    hang_up: int


def decide(asked: int, held: int, leaving: int) -> Decision:
    """``held`` are all calls not over yet, ``leaving`` those of them that were told to hang up.

    A call that is leaving still fills its place: more calls than asked for are never held.
    """
    return Decision(start=max(0, asked - held), hang_up=max(0, held - leaving - asked))


class ConnectGate:
    """At most ``rate`` connections begun per second, a tenth of a second's worth at once.

    A thousand connects at once cost this machine more than a second, which would be read as the
    target's slowness.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate / 10)
        self._tokens = self._most
        self._at_s: float | None = None

    def take(self, wanted: int, now_s: float) -> int:
        """How many of the wanted may begin now."""
        if self._at_s is not None:
            grown = max(0.0, now_s - self._at_s) * self._rate
            self._tokens = min(self._most, self._tokens + grown)
        self._at_s = now_s
        granted = min(wanted, math.floor(self._tokens + 1e-9))
        self._tokens -= granted
        return granted

    def opens_s(self, now_s: float) -> float:
        """When the next one may begin, at the earliest."""
        at_s = now_s if self._at_s is None else self._at_s
        return max(now_s, at_s + (1.0 - self._tokens) / self._rate)
