"""A simulated network: messages held back for a drawn time, in order within their lane.

One timer for all lanes of a process. A timer per message would cost more than the message at a few
hundred calls, and event loops round timers to a millisecond anyway.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import Callable

from otel_voiceload.model import NS_PER_MS, NS_PER_S


class NetworkDelay:
    """Delays calls of functions by ``draw()`` seconds each.

    ``run_due`` is the logic and takes the time; the timer of the running loop calls it.
    """

    def __init__(
        self, draw: Callable[[], float], clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._draw = draw
        self._clock = clock
        self._heap: list[tuple[int, int, Callable[..., None], tuple[object, ...]]] = []
        self._count = 0  # ties in time keep their order
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ns = 0

    def lane(self) -> Lane:
        return Lane(self)

    def hold(self, not_before_ns: int, call: Callable[..., None], args: tuple[object, ...]) -> int:
        """Queue a call and return when it is due."""
        now = self._clock()
        due = max(not_before_ns, now + max(0, round(self._draw() * NS_PER_S)))
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, call, args))
        if self._timer is None or due < self._armed_ns:
            self._arm(due, now)
        return due

    def run_due(self, now_mono_ns: int) -> int | None:
        """Make the calls that are due; return when the next one is."""
        while self._heap and self._heap[0][0] <= now_mono_ns:
            _, _, call, args = heapq.heappop(self._heap)
            call(*args)
        return self._heap[0][0] if self._heap else None

    def _arm(self, due: int, now: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_ns = due
        wait_ms = max(1, math.ceil((due - now) / NS_PER_MS))
        self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self._clock()
        due = self.run_due(now)
        if due is not None and (self._timer is None or due < self._armed_ns):
            self._arm(due, now)


class Lane:
    """One direction of one connection: nothing overtakes."""

    __slots__ = ("_last_ns", "_network")

    def __init__(self, network: NetworkDelay) -> None:
        self._network = network
        self._last_ns = 0

    def put(self, call: Callable[..., None], *args: object) -> None:
        self._last_ns = self._network.hold(self._last_ns, call, args)
