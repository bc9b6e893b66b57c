"""One worker's share of the load: starts calls when they are due and lets go of those too many.

Woken when something changes and not by a clock of its own: a call ended, the asked number moved, a
message came. Between those moments it costs nothing. Its clock and its timers are arguments.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from otel_voiceload.load.arrivals import Arrivals
from otel_voiceload.load.call import When
from otel_voiceload.load.contract import UNTOLD_S
from otel_voiceload.load.pacing import (
    NEVER_S,
    ConnectGate,
    Offered,
    asked_for_share,
    decide,
    share,
)
from otel_voiceload.load.second import Second
from otel_voiceload.model import (
    NS_PER_S,
    CallRecord,
    Health,
    LoadContext,
    Progress,
    Record,
    Stage,
)

LATE_START_S = 0.020  # one frame
LEAVE_GRACE_S = 10.0  # of a surplus call, to get its turn answered
REDIAL_S = 1.0  # a place begins at most one call per second: a target that refuses is not hammered
_LEAST_WAIT_S = 0.001


class Playing(Protocol):
    """What a shard needs of a call."""

    @property
    def connecting(self) -> bool: ...

    def run(self) -> Coroutine[Any, Any, CallRecord]: ...

    def hang_up(self, when: When) -> None: ...

    def abort(self) -> None: ...


class Timer(Protocol):
    def cancel(self) -> None: ...


MakeCall = Callable[[int, int, Callable[[Any], None]], Playing]
"""(call index, scheduled_mono_ns, on_over) -> a call that is not running yet."""
Later = Callable[[float, Callable[[], object]], Timer]
"""(seconds, what to do) -> a timer."""
Spawn = Callable[[Coroutine[Any, Any, CallRecord]], "asyncio.Task[CallRecord]"]


class Shard:
    """``done`` is set when the load is over and no call is left.

    ``max_calls`` caps the open model, where nobody asks for a number of calls: an arrival that
    finds them all held is dropped and counted. ``total_calls`` are begun in all, by all shards.
    """

    def __init__(
        self,
        shard_index: int,
        shard_count: int,
        *,
        spread_s: float,
        max_connect_rate: float,
        seed: int = 1,
        max_calls: int | None = None,
        total_calls: int | None = None,
        make_call: MakeCall,
        later: Later,
        spawn: Spawn,
        failed: Callable[[BaseException], None],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._index = shard_index
        self._count = shard_count
        self._spread_s = spread_s
        self._most_per_s = max_connect_rate
        self._gate = ConnectGate(max_connect_rate / shard_count)
        self._make_call = make_call
        self._later = later
        self._spawn = spawn
        self._failed = failed
        self._clock = clock
        self._offered = Offered((), spread_s, max_connect_rate)
        self._arrivals = Arrivals(seed, shard_index, shard_count)
        self._arrived: deque[tuple[int, float]] = deque()  # index and due_s; the connect gate waits
        self._places = None if max_calls is None else share(max_calls, shard_index, shard_count)
        self._total_calls = total_calls
        self._start_mono_ns = 0
        self._next_call_index = shard_index
        self._held: dict[Playing, float] = {}  # call -> when it began, oldest first
        self._leaving: set[Playing] = set()
        self._cooling = 0  # places that wait until they may dial again
        self._free_since_s: deque[float] = deque()  # of places that are to be filled again
        self._tasks: dict[asyncio.Task[CallRecord], Playing] = {}
        self._ending = False
        self._timer: Timer | None = None
        self._second = Second()
        self.calls_started = 0
        self.calls_ended: Counter[str] = Counter()
        self.load = LoadContext("", 0, 0, 0)
        self.done = asyncio.Event()

    # --- what the runner asks ---------------------------------------------------------------------

    def begin(self, stages: tuple[Stage, ...], start_mono_ns: int) -> None:
        self._start_mono_ns = start_mono_ns
        self._offered = Offered(stages, self._spread_s, self._most_per_s)
        self._arrivals.extend(stages)
        self.pace()

    def extend(self, stages: tuple[Stage, ...]) -> None:
        self._offered = Offered((*self._offered.stages, *stages), self._spread_s, self._most_per_s)
        self._arrivals.extend(stages)
        self.pace()

    def finish(self, grace_s: float) -> None:
        """No more starts; calls hang up after their turn, at the end of the grace at once."""
        self._end("after_turn")
        self._later(grace_s, lambda: self._end("now"))

    def hang_up_all(self, deadline_mono_ns: int) -> None:
        """Hang up now; at the deadline cut what is left."""
        self._end("now")
        self._later(max(0.0, (deadline_mono_ns - self._clock()) / NS_PER_S), self._cut)

    # --- pacing -----------------------------------------------------------------------------------

    def pace(self) -> None:
        """Look what is due, do it, and set the next alarm."""
        elapsed_s = self._elapsed_s()
        if not self._ending and self._offered.stages:
            if elapsed_s > self._offered.end_s + UNTOLD_S:
                self.finish(LEAVE_GRACE_S)
                return
            self._see_load(elapsed_s)
            self._adjust(elapsed_s)
        self._see_end()

    def _adjust(self, elapsed_s: float) -> None:
        wake_s = min(self._offered.changes_s(elapsed_s), self._offered.end_s + UNTOLD_S + 0.01)
        if self._offered.open:
            wake_s = min(wake_s, self._admit(elapsed_s))
        else:
            wake_s = min(wake_s, self._hold(elapsed_s))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._later(max(_LEAST_WAIT_S, wake_s - elapsed_s), self.pace)

    def _hold(self, elapsed_s: float) -> float:
        """Closed model: start or let go until as many are held as asked; when to look again."""
        asked = share(self._offered.asked(elapsed_s), self._index, self._count)
        held = len(self._held) + self._cooling
        decision = decide(asked, held, len(self._leaving))
        wake_s = NEVER_S
        if wanted := min(decision.start, self._left(self._next_call_index)):
            granted = self._gate.take(wanted, elapsed_s)
            for _ in range(granted):
                self._fill_place(elapsed_s)
            if granted < wanted:
                wake_s = self._gate.opens_s(elapsed_s)
        else:
            self._free_since_s.clear()
        if decision.hang_up:
            # The newest first: they have the least to lose, the others come to their own end.
            staying = [call for call in self._held if call not in self._leaving]
            for call in staying[-decision.hang_up :]:
                self._let_go(call)
        return wake_s

    def _admit(self, elapsed_s: float) -> float:
        """Open model: start what has arrived, whoever is still held; when to look again."""
        index, due_s = self._arrivals.next()
        while due_s <= elapsed_s and self._left(index):
            self._arrived.append((index, due_s))
            self._arrivals.take()
            index, due_s = self._arrivals.next()
        while self._arrived:
            if self._places is not None and len(self._held) >= self._places:
                self._second.dropped_starts += len(self._arrived)
                self._arrived.clear()
            elif self._gate.take(1, elapsed_s):
                self._start(*self._arrived.popleft(), elapsed_s)
            else:
                return min(due_s, self._gate.opens_s(elapsed_s))
        return due_s if self._left(index) else NEVER_S

    def _left(self, next_index: int) -> int:
        """How many calls this shard may still begin, of all that were asked for."""
        if self._total_calls is None:
            return sys.maxsize
        return max(0, -(-(self._total_calls - next_index) // self._count))

    def _fill_place(self, elapsed_s: float) -> None:
        held = len(self._held) + self._cooling
        place = asked_for_share(held + 1, self._index, self._count)
        due_s = self._offered.rose_s(place, elapsed_s)
        if self._free_since_s:
            due_s = min(elapsed_s, max(due_s, self._free_since_s.popleft()))
        index, self._next_call_index = self._next_call_index, self._next_call_index + self._count
        self._start(index, due_s, elapsed_s)

    def _start(self, index: int, due_s: float, elapsed_s: float) -> None:
        if elapsed_s - due_s > LATE_START_S:
            self._second.late_starts += 1
        self._second.started += 1
        self.calls_started += 1
        scheduled_mono_ns = self._start_mono_ns + round(due_s * NS_PER_S)
        self._see_load(elapsed_s, joining=1)  # a call counts itself
        call = self._make_call(index, scheduled_mono_ns, self._call_over)
        self._held[call] = elapsed_s
        task = self._spawn(call.run())
        self._tasks[task] = call
        task.add_done_callback(self._task_done)

    def _let_go(self, call: Playing) -> None:
        self._leaving.add(call)
        call.hang_up("after_turn")
        self._later(LEAVE_GRACE_S, lambda: self._insist(call))

    def _insist(self, call: Playing) -> None:
        if call in self._leaving:
            call.hang_up("now")

    def _call_over(self, call: Playing) -> None:
        """Its place is free, though its wire may take a moment to close."""
        elapsed_s = self._elapsed_s()
        began_s = self._held.pop(call, None)
        if began_s is None:
            return
        was_leaving = call in self._leaving
        self._leaving.discard(call)
        pause_s = began_s + REDIAL_S - elapsed_s
        if was_leaving or self._ending or self._offered.open:
            pass
        elif pause_s > 0:
            self._cooling += 1
            free_s = elapsed_s + pause_s
            self._later(pause_s, lambda: self._redial(free_s))
        else:
            self._free_since_s.append(elapsed_s)
        # Not from in here: the call that ended is still on the stack.
        self._later(0.0, self.pace)

    def _redial(self, free_s: float) -> None:
        self._cooling -= 1
        self._free_since_s.append(free_s)
        self.pace()

    def _see_load(self, elapsed_s: float, joining: int = 0) -> None:
        stage = self._offered.stage(elapsed_s)
        if stage is None:
            return
        asked = round(stage.calls_at(elapsed_s))
        self.load = LoadContext(stage.phase, stage.index, asked, len(self._held) + joining)

    def _elapsed_s(self) -> float:
        return (self._clock() - self._start_mono_ns) / NS_PER_S

    # --- the end ----------------------------------------------------------------------------------

    def _end(self, when: When) -> None:
        self._ending = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for call in tuple(self._held):
            self._leaving.add(call)
            call.hang_up(when)
        self._see_end()

    def _cut(self) -> None:
        for task, call in tuple(self._tasks.items()):
            call.abort()
            # A call that was aborted writes its record at once; a task that does not end is stuck.
            self._later(0.5, task.cancel)

    def _task_done(self, task: asyncio.Task[CallRecord]) -> None:
        call = self._tasks.pop(task)
        self._held.pop(call, None)  # already gone, unless the task was cancelled
        self._leaving.discard(call)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
        self._see_end()

    def _see_end(self) -> None:
        if self._ending and not self._tasks:
            self.done.set()

    # --- what the screen shows --------------------------------------------------------------------

    def note(self, record: Record) -> None:
        """Every record that goes to telemetry passes here for the live figures."""
        self._second.take(record)
        if isinstance(record, CallRecord):
            self.calls_ended[record.outcome] += 1

    @property
    def calls_active(self) -> int:
        return len(self._held) - self.connect_pending

    @property
    def connect_pending(self) -> int:
        return sum(call.connecting for call in self._held)

    @property
    def late_starts(self) -> int:
        """Since the last progress."""
        return self._second.late_starts

    @property
    def dropped_starts(self) -> int:
        """Since the last progress: arrivals that found ``max_calls`` held."""
        return self._second.dropped_starts

    def take_progress(self, health: Health) -> Progress:
        second, self._second = self._second, Second()
        return second.progress(health)
