"""When the calls of an open model begin: one sequence for the whole run, whoever holds the target.

Arrival ``i`` comes when the offered calls, summed over time, reach the ``i``-th value of a sequence
that the seed alone decides: steps of one for constant arrivals, exponential steps for Poisson ones.
So a rate that changes bends the times and not the draws, stages that are added move nothing that
was before them, and a shard knows its own calls (every ``count``-th) without a word to the others.

    calls offered            ╱
      so far              ╱╱        1/s, then 2/s
                       ╱╱
         draw 3  ┄┄┄┄╱
         draw 2  ┄┄╱ ┆
         draw 1  ╱ ┆ ┆
                 └─┴─┴───> time     <- the arrivals
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Iterable

from otel_voiceload.load.pacing import NEVER_S
from otel_voiceload.model import Stage


class Arrivals:
    """This shard's arrivals, in order, over the time since the first stage's start."""

    def __init__(self, seed: int, shard_index: int = 0, shard_count: int = 1) -> None:
        self._rng = random.Random(f"{seed}:arrivals")
        self._shard_index = shard_index
        self._shard_count = shard_count
        self._stages: tuple[Stage, ...] = ()
        self._offered: list[float] = []  # calls offered up to the end of each stage
        self._index = -1  # of the arrival drawn last
        self._drawn = 0.0  # where in the sum of offered calls it lies

    def extend(self, stages: Iterable[Stage]) -> None:
        """Offer these too; stages of calls held offer none."""
        for stage in stages:
            self._stages += (stage,)
            before = self._offered[-1] if self._offered else 0.0
            self._offered.append(before + _offered_in(stage, stage.duration_s))

    def next(self) -> tuple[int, float]:
        """Index and time of the arrival that comes next; ``NEVER_S`` when no stage reaches it yet.

        The same one until ``take`` is called.
        """
        if self._index < 0:
            self._draw()
        return self._index, self._when_s(self._drawn)

    def take(self) -> None:
        """Go on to the one after it."""
        self._draw()

    def _draw(self) -> None:
        """Over the arrivals of the other shards, whose draws lie between ours."""
        while True:
            first = self._index < 0
            self._index += 1
            if self._kind() == "constant":
                self._drawn += 0.5 if first else 1.0  # each in the middle of its share of time
            else:
                self._drawn += self._rng.expovariate(1.0)
            if self._index % self._shard_count == self._shard_index:
                return

    def _kind(self) -> str | None:
        """How calls arrive where the last draw lies."""
        at = min(bisect_left(self._offered, self._drawn), len(self._stages) - 1)
        return self._stages[at].arrivals if self._stages else None

    def _when_s(self, offered: float) -> float:
        at = bisect_left(self._offered, offered)
        if at == len(self._offered):
            return NEVER_S
        stage = self._stages[at]
        before = self._offered[at - 1] if at else 0.0
        return stage.start_s + _reached_s(stage, offered - before)


def _offered_in(stage: Stage, elapsed_s: float) -> float:
    """Calls offered in the first ``elapsed_s`` of a stage."""
    if stage.arrivals is None or stage.duration_s <= 0:
        return 0.0
    slope = (stage.per_s_to - stage.per_s_from) / stage.duration_s
    return stage.per_s_from * elapsed_s + slope * elapsed_s**2 / 2


def _reached_s(stage: Stage, offered: float) -> float:
    """When a stage has offered so many calls, since its start: the inverse of ``_offered_in``."""
    slope = (stage.per_s_to - stage.per_s_from) / stage.duration_s
    root = math.sqrt(max(0.0, stage.per_s_from**2 + 2 * slope * offered))
    # Not (root - from) / slope: where the slope is next to nothing, that has no figures left.
    reached_s = 2 * offered / (stage.per_s_from + root)
    return min(stage.duration_s, reached_s)
