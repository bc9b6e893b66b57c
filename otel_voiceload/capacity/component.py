"""A component with a limit: requests go in; starts, first tokens and ends come out.

All four behaviours beyond the capacity are one mechanism. Requests that are being served advance
together on a *service clock* that runs at ``rate(n)`` of the real one while n are served:

    queue, reject   rate 1; at most ``capacity`` are served, the others wait or are refused
    share           rate capacity/n beyond capacity: total throughput stays, everything slows
    cliff           rate (capacity/n)^3: total throughput itself falls with the square of the
                    overload (a tenth too much costs a sixth of it, twice the capacity leaves a
                    quarter), as with thrashing caches or a pool whose retries feed on themselves;
                    it comes back when enough callers give up

So each event is exact to the nanosecond however late ``advance`` is called, and a busy machine that
wakes its timers late does not change the capacity that was configured.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable
from dataclasses import dataclass

from otel_voiceload.capacity.config import ComponentConfig
from otel_voiceload.capacity.faults import Autoscale
from otel_voiceload.model import NS_PER_S

_CLIFF_POWER = 3


@dataclass(frozen=True, slots=True)
class Started:
    """A server took the request up."""

    request_id: Hashable
    at_ns: int


@dataclass(frozen=True, slots=True)
class First:
    """First token or byte."""

    request_id: Hashable
    at_ns: int


@dataclass(frozen=True, slots=True)
class Done:
    """The server is free again."""

    request_id: Hashable
    at_ns: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused at the door: what a provider says with status 429."""

    request_id: Hashable
    at_ns: int
    retry_after_ns: int


Progress = Started | First | Done | Rejected


@dataclass(slots=True)
class _Serving:
    request_id: Hashable
    gone: bool = False  # cancelled; its entries in the heap are skipped


class Component:
    """Requests of one component over time; calls must come with a clock that never goes back."""

    def __init__(
        self, name: str, config: ComponentConfig, autoscale: Autoscale | None = None
    ) -> None:
        self.name = name
        self.config = config
        self.capacity = config.capacity
        self._autoscale = autoscale
        self._now_ns = 0
        # The service clock, as read when the number of served last changed: reading it at every
        # advance would add a rounding each time, and the events would depend on who looks when.
        self._service_ns = 0.0
        self._read_at_ns = 0
        self._serving: dict[Hashable, _Serving] = {}
        # request -> latency and hold; in order of arrival
        self._waiting: dict[Hashable, tuple[int, float]] = {}
        # (service time, order, is it the end?, request)
        self._marks: list[tuple[float, int, bool, _Serving]] = []
        self._order = 0
        self._ready: list[Progress] = []
        self._grow_at_ns: int | None = None
        self._allowed = max(1.0, config.rate or 0.0)  # requests, of the rate limit's bucket
        self._filled_at_ns = 0

    @property
    def serving(self) -> int:
        return len(self._serving)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(
        self, now_ns: int, request_id: Hashable, latency_ns: int, hold: float | None = None
    ) -> None:
        """Ask for one answer that takes ``latency_ns`` to its first token when all goes well.

        ``hold`` is that of a request from elsewhere; without it the component's own.
        What becomes of it is told by ``advance``, beginning with this very moment.
        """
        self._run_to(now_ns)
        hold = self.config.hold if hold is None else hold
        if not self._within_rate():
            self._reject(request_id)
        elif self._has_room():
            self._start(request_id, latency_ns, hold)
        elif self.config.over_capacity == "queue" and self._may_exceed():
            self._waiting[request_id] = latency_ns, hold
        elif self.config.over_capacity in ("share", "cliff") and self._may_exceed():
            self._start(request_id, latency_ns, hold)
        else:
            self._reject(request_id)
        self._watch_overload()

    def cancel(self, now_ns: int, request_id: Hashable) -> None:
        """Forget a request: its place in the queue or its server is free at once."""
        self._run_to(now_ns)
        self._waiting.pop(request_id, None)
        if request_id in self._serving:
            self._read_service_clock()
            self._serving.pop(request_id).gone = True
            self._fill()
        self._ready = [item for item in self._ready if item.request_id != request_id]
        self._watch_overload()

    def advance(self, now_ns: int) -> list[Progress]:
        """Everything that happened up to ``now_ns`` and was not told yet, in order of time."""
        self._run_to(now_ns)
        told, self._ready = self._ready, []
        return told

    @property
    def next_event_ns(self) -> int | None:
        """When ``advance`` will next have something to tell; None while nothing is asked of it."""
        if self._ready:
            return self._ready[0].at_ns
        return self._next_change_ns()

    def _next_change_ns(self) -> int | None:
        while self._marks and self._marks[0][3].gone:
            heapq.heappop(self._marks)
        mark_ns = None
        if self._marks:
            ahead = max(0.0, self._marks[0][0] - self._service_ns)
            mark_ns = max(self._now_ns, self._read_at_ns + math.ceil(ahead / self._rate()))
        if self._grow_at_ns is not None and (mark_ns is None or self._grow_at_ns < mark_ns):
            return self._grow_at_ns
        return mark_ns

    def _run_to(self, now_ns: int) -> None:
        while (at_ns := self._next_change_ns()) is not None and at_ns <= now_ns:
            self._now_ns = at_ns
            if at_ns == self._grow_at_ns:
                self._grow()
                continue
            service_ns, _, is_end, request = heapq.heappop(self._marks)
            self._service_ns, self._read_at_ns = max(self._service_ns, service_ns), at_ns
            if is_end:
                del self._serving[request.request_id]
                self._ready.append(Done(request.request_id, self._now_ns))
                self._fill()
                self._watch_overload()
            else:
                self._ready.append(First(request.request_id, self._now_ns))
        self._now_ns = max(self._now_ns, now_ns)

    def _read_service_clock(self) -> None:
        """To be called before the rate changes."""
        self._service_ns += (self._now_ns - self._read_at_ns) * self._rate()
        self._read_at_ns = self._now_ns

    def _rate(self) -> float:
        over = len(self._serving) / self.capacity
        if over <= 1.0:
            return 1.0
        return 1.0 / over if self.config.over_capacity == "share" else over**-_CLIFF_POWER

    def _start(self, request_id: Hashable, latency_ns: int, hold: float) -> None:
        self._read_service_clock()
        served = _Serving(request_id)
        self._serving[request_id] = served
        self._ready.append(Started(request_id, self._now_ns))
        # The first token goes before the end when both fall on one moment (hold 1.0).
        for is_end, length in ((False, 1.0), (True, hold)):
            self._order += 1
            mark = self._service_ns + round(latency_ns * length)
            heapq.heappush(self._marks, (mark, self._order, is_end, served))

    def _reject(self, request_id: Hashable) -> None:
        retry_after_ns = round(self.config.retry_after * NS_PER_S)
        self._ready.append(Rejected(request_id, self._now_ns, retry_after_ns))

    def _within_rate(self) -> bool:
        """Takes one from a bucket that fills at the rate and holds one second's worth of it."""
        rate = self.config.rate
        if rate is None:
            return True
        passed_s = (self._now_ns - self._filled_at_ns) / NS_PER_S
        self._allowed = min(max(1.0, rate), self._allowed + rate * passed_s)
        self._filled_at_ns = self._now_ns
        if self._allowed < 1.0:
            return False
        self._allowed -= 1.0
        return True

    def _has_room(self) -> bool:
        return len(self._serving) < self.capacity

    def _may_exceed(self) -> bool:
        limit = self.config.queue_limit
        beyond = len(self._waiting) + max(0, len(self._serving) - self.capacity)
        return limit is None or beyond < limit

    def _fill(self) -> None:
        while self._waiting and self._has_room():
            request_id = next(iter(self._waiting))
            self._start(request_id, *self._waiting.pop(request_id))

    def _watch_overload(self) -> None:
        """Arm or disarm the autoscaler's next step; it looks at work beyond the capacity."""
        scale = self._autoscale
        if scale is None:
            return
        beyond = bool(self._waiting) or len(self._serving) >= self.capacity
        if not beyond or self.capacity >= scale.max_capacity:
            self._grow_at_ns = None
        elif self._grow_at_ns is None:
            self._grow_at_ns = self._now_ns + max(1, round(scale.lag * NS_PER_S))

    def _grow(self) -> None:
        assert self._autoscale is not None
        self._read_service_clock()
        self.capacity = min(self.capacity + self._autoscale.add, self._autoscale.max_capacity)
        self._grow_at_ns = None
        self._fill()
        self._watch_overload()
