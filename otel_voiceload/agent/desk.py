"""The desk where all calls of the process leave their work, and the one timer behind it.

One pipeline, one timer at its next event. A task or a timer per request would be thousands, and
each wakes up late by its own amount; here a late wake-up is made good, since the pipeline works off
events at their own moments.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Protocol

from otel_voiceload.capacity.config import SERVED, ServedComponent
from otel_voiceload.capacity.pipeline import Pipeline, PipelineEvent, TurnKey
from otel_voiceload.model import NS_PER_MS, NS_PER_S


class Client(Protocol):
    """A call that has work done."""

    def worked(self, event: PipelineEvent) -> None: ...


class Alarm(Protocol):
    """Calls the desk's ``run`` at a time; setting it again moves it."""

    def set(self, at_ns: int, run: Callable[[], None]) -> None: ...


class Desk:
    """Hands turns to the pipeline and tells each call what became of its own.

    ``begin`` and ``cancel`` only take note; whatever follows from them is told from the alarm, so
    that no call is told anything in the middle of its own step.
    """

    def __init__(
        self, pipeline: Pipeline, alarm: Alarm, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._pipeline = pipeline
        self._alarm = alarm
        self._clock = clock
        self._clients: dict[str, Client] = {}
        self._left: set[str] = set()
        self._armed_ns: int | None = None
        self._running = False

    def enter(self, call_id: str, client: Client) -> str:
        """Take a call in; returns the name under which its work runs.

        That is its own id, unless another call of the same id is still there.
        """
        name, number = call_id, 1
        while name in self._clients:
            number += 1
            name = f"{call_id}#{number}"
        self._clients[name] = client
        return name

    def leave(self, name: str) -> None:
        """The call is gone; it still hears of the work that it gave up before this."""
        self._left.add(name)
        self._arm()

    def begin(
        self,
        now_ns: int,
        key: TurnKey,
        chain: tuple[ServedComponent, ...] = SERVED,
        first_attempt: int = 0,
    ) -> None:
        self._pipeline.begin(now_ns, key, chain, first_attempt=first_attempt)
        self._arm()

    def cancel(self, now_ns: int, key: TurnKey) -> None:
        self._pipeline.cancel(now_ns, key)
        self._arm()

    def run(self) -> None:
        """Tell everything that is due; the alarm's callback."""
        self._armed_ns = None
        self._running = True
        while events := self._pipeline.advance(self._clock()):
            for event in events:
                client = self._clients.get(event.key.call_id)
                if client is not None:
                    client.worked(event)
        self._running = False
        for name in self._left:
            self._clients.pop(name, None)
        self._left.clear()
        self._arm()

    def _arm(self) -> None:
        if self._running:
            return
        at_ns = self._pipeline.next_event_ns
        if self._left:
            at_ns = self._clock()
        if at_ns is not None and (self._armed_ns is None or at_ns < self._armed_ns):
            self._armed_ns = at_ns
            self._alarm.set(at_ns, self.run)


class LoopAlarm:
    """The alarm of the running event loop."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._handle: asyncio.Handle | None = None

    def set(self, at_ns: int, run: Callable[[], None]) -> None:
        if self._handle is not None:
            self._handle.cancel()
        loop = asyncio.get_running_loop()
        ahead_ns = at_ns - self._clock()
        if ahead_ns <= 0:
            self._handle = loop.call_soon(run)
        else:
            # Whole milliseconds upwards: uvloop rounds timers to the nearest one, and one that
            # rings too early has to be set again.
            wait_s = math.ceil(ahead_ns / NS_PER_MS) * NS_PER_MS / NS_PER_S
            self._handle = loop.call_later(wait_s, run)
