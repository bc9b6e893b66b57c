"""A shard in virtual time: calls are fakes, timers are a heap, and nothing waits."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, cast

from otel_voiceload.load.shard import Shard
from otel_voiceload.model import NS_PER_S, CallRecord, Stage


class Timer:
    def __init__(self, what: Callable[[], object]) -> None:
        self.what: Callable[[], object] | None = what

    def cancel(self) -> None:
        self.what = None


class Task:
    """Stands for the asyncio task around a call."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[Any], None]] = []
        self.error: BaseException | None = None
        self.was_cancelled = False

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self.callbacks.append(callback)

    def cancelled(self) -> bool:
        return self.was_cancelled

    def exception(self) -> BaseException | None:
        return self.error

    def cancel(self) -> None:
        if self.callbacks:
            self.was_cancelled = True
            self.finish()

    def finish(self) -> None:
        callbacks, self.callbacks = self.callbacks, []
        for callback in callbacks:
            callback(self)


class FakeCall:
    """Lasts ``world.call_s``; once asked to leave it ends ``world.turn_s`` later."""

    def __init__(self, world: World, index: int, scheduled_s: float, over: Any) -> None:
        self.world = world
        self.index = index
        self.scheduled_s = scheduled_s
        self.started_s = world.now_s
        self.ended_s: float | None = None
        self.asked: list[str] = []
        self.connecting = False
        self._over = over
        self.task: Task | None = None

    def run(self) -> Coroutine[Any, Any, CallRecord]:
        if self.world.call_s is not None:
            self.world.later(self.world.call_s, self.end)
        return cast("Coroutine[Any, Any, CallRecord]", self)

    def hang_up(self, when: str) -> None:
        self.asked.append(when)
        if when == "now":
            self.end()
        elif self.world.turn_s is not None:
            self.world.later(self.world.turn_s, self.end)

    def abort(self) -> None:
        self.asked.append("abort")
        self.end()

    def end(self) -> None:
        if self.ended_s is None and not self.world.deaf:
            self.ended_s = self.world.now_s
            self._over(self)
            if self.task is not None:
                self.task.finish()


class World:
    """Time, timers and every call ever made. ``deaf`` calls end for nothing but a cancel."""

    def __init__(
        self,
        *,
        call_s: float | None = None,
        turn_s: float | None = 1.0,
        rate: float = 1000.0,
        spread_s: float = 4.0,
        shard: tuple[int, int] = (0, 1),
        max_calls: int | None = None,
        total_calls: int | None = None,
    ) -> None:
        self.now_s = 0.0
        self.call_s = call_s
        self.turn_s = turn_s
        self.deaf = False
        self.calls: list[FakeCall] = []
        self.failures: list[BaseException] = []
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self.shard = Shard(
            *shard,
            spread_s=spread_s,
            max_connect_rate=rate,
            max_calls=max_calls,
            total_calls=total_calls,
            make_call=self._make_call,
            later=self.later,
            spawn=cast("Any", self._spawn),
            failed=self.failures.append,
            clock=lambda: round(self.now_s * NS_PER_S),
        )

    def later(self, seconds: float, what: Callable[[], object]) -> Timer:
        timer = Timer(what)
        heapq.heappush(self._heap, (self.now_s + seconds, next(self._order), timer))
        return timer

    def run_until(self, until_s: float) -> None:
        while self._heap and self._heap[0][0] <= until_s:
            at_s, _, timer = heapq.heappop(self._heap)
            self.now_s = max(self.now_s, at_s)
            if timer.what is not None:
                timer.what()
        self.now_s = until_s

    @property
    def held(self) -> int:
        return sum(call.ended_s is None for call in self.calls)

    def held_at(self, at_s: float) -> int:
        return sum(
            call.started_s <= at_s and (call.ended_s is None or call.ended_s > at_s)
            for call in self.calls
        )

    def _make_call(self, index: int, scheduled_mono_ns: int, over: Any) -> FakeCall:
        call = FakeCall(self, index, scheduled_mono_ns / NS_PER_S, over)
        self.calls.append(call)
        return call

    def _spawn(self, call: FakeCall) -> Task:
        call.task = Task()
        return call.task


def stages(*rows: tuple[float, float, float]) -> tuple[Stage, ...]:
    """(seconds, calls from, calls to), one after the other."""
    made: list[Stage] = []
    for index, (lasts_s, calls_from, calls_to) in enumerate(rows):
        start_s = made[-1].end_s if made else 0.0
        made.append(Stage(index, f"phase {index}", start_s, lasts_s, calls_from, calls_to))
    return tuple(made)


def rates(*rows: tuple[float, float, float]) -> tuple[Stage, ...]:
    """(seconds, calls per second at first, and at last), evenly spread, one after the other."""
    made: list[Stage] = []
    for index, (lasts_s, first, last) in enumerate(rows):
        start_s = made[-1].end_s if made else 0.0
        stage = Stage(index, f"phase {index}", start_s, lasts_s, 0.0, 0.0, None, "constant")
        made.append(replace(stage, per_s_from=first, per_s_to=last))
    return tuple(made)
