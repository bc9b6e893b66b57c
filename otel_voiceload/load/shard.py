"""One worker's share of the load: starts calls when they are due and lets go of those too many.

Woken when something changes and not by a clock of its own: a call ended, the asked number moved, a
message came. Between those moments it costs nothing. Its clock and its timers are arguments.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from otel_voiceload.load.call import When
from otel_voiceload.load.pacing import (
    ConnectGate,
    Offered,
    asked_for_share,
    decide,
    share,
)
from otel_voiceload.model import (
    NS_PER_S,
    CallRecord,
    Health,
    LoadContext,
    Progress,
    Record,
    Stage,
    TurnRecord,
)

LATE_START_S = 0.020  # one frame
LEAVE_GRACE_S = 10.0  # of a surplus call, to get its turn answered
REDIAL_S = 1.0  # a place begins at most one call per second: a target that refuses is not hammered
UNTOLD_S = 5.0  # without a word after the last stage: whoever decides is gone, so stop
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


@dataclass(slots=True)
class _Second:
    """What happened since the last progress."""

    started: int = 0
    late_starts: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    unanswered: int = 0
    components_s: dict[str, list[float]] = field(default_factory=dict)


class Shard:
    """``done`` is set when the load is over and no call is left."""

    def __init__(
        self,
        shard_index: int,
        shard_count: int,
        *,
        spread_s: float,
        max_connect_rate: float,
        make_call: MakeCall,
        later: Later,
        spawn: Spawn,
        failed: Callable[[BaseException], None],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._index = shard_index
        self._count = shard_count
        self._spread_s = spread_s
        self._gate = ConnectGate(max_connect_rate / shard_count)
        self._make_call = make_call
        self._later = later
        self._spawn = spawn
        self._failed = failed
        self._clock = clock
        self._offered = Offered((), spread_s)
        self._start_mono_ns = 0
        self._next_call_index = shard_index
        self._held: dict[Playing, float] = {}  # call -> when it began, oldest first
        self._leaving: set[Playing] = set()
        self._cooling = 0  # places that wait until they may dial again
        self._free_since_s: deque[float] = deque()  # of places that are to be filled again
        self._tasks: dict[asyncio.Task[CallRecord], Playing] = {}
        self._ending = False
        self._timer: Timer | None = None
        self._second = _Second()
        self.calls_started = 0
        self.calls_ended: Counter[str] = Counter()
        self.load = LoadContext("", 0, 0, 0)
        self.done = asyncio.Event()

    # --- what the runner asks ---------------------------------------------------------------------

    def begin(self, stages: tuple[Stage, ...], start_mono_ns: int) -> None:
        self._start_mono_ns = start_mono_ns
        self._offered = Offered(stages, self._spread_s)
        self.pace()

    def extend(self, stages: tuple[Stage, ...]) -> None:
        self._offered = Offered((*self._offered.stages, *stages), self._spread_s)
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
        asked = share(self._offered.asked(elapsed_s), self._index, self._count)
        held = len(self._held) + self._cooling
        decision = decide(asked, held, len(self._leaving))
        wake_s = min(self._offered.changes_s(elapsed_s), self._offered.end_s + UNTOLD_S + 0.01)
        if decision.start:
            granted = self._gate.take(decision.start, elapsed_s)
            for _ in range(granted):
                self._start(elapsed_s)
            if granted < decision.start:
                wake_s = min(wake_s, self._gate.opens_s(elapsed_s))
        else:
            self._free_since_s.clear()
        if decision.hang_up:
            # The newest first: they have the least to lose, the others come to their own end.
            staying = [call for call in self._held if call not in self._leaving]
            for call in staying[-decision.hang_up :]:
                self._let_go(call)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._later(max(_LEAST_WAIT_S, wake_s - elapsed_s), self.pace)

    def _start(self, elapsed_s: float) -> None:
        held = len(self._held) + self._cooling
        place = asked_for_share(held + 1, self._index, self._count)
        due_s = self._offered.rose_s(place, elapsed_s)
        if self._free_since_s:
            due_s = min(elapsed_s, max(due_s, self._free_since_s.popleft()))
        if elapsed_s - due_s > LATE_START_S:
            self._second.late_starts += 1
        self._second.started += 1
        self.calls_started += 1
        index, self._next_call_index = self._next_call_index, self._next_call_index + self._count
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
        if was_leaving or self._ending:
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
        second = self._second
        if isinstance(record, TurnRecord):
            latency_s = record.response_latency_s
            if latency_s is None:
                second.unanswered += 1
            elif latency_s >= 0:
                second.latencies_s.append(latency_s)
            for part in record.components:
                first_ns = part.end_mono_ns if part.first_mono_ns is None else part.first_mono_ns
                taken_s = (first_ns - part.start_mono_ns) / NS_PER_S
                second.components_s.setdefault(part.component, []).append(taken_s)
        elif isinstance(record, CallRecord):
            second.ended[record.outcome] += 1
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

    def take_progress(self, health: Health) -> Progress:
        second, self._second = self._second, _Second()
        return Progress(
            health=health,
            calls_started=second.started,
            calls_ended=dict(second.ended),
            turn_latencies_s=tuple(second.latencies_s),
            turns_unanswered=second.unanswered,
            component_latencies_s={k: tuple(v) for k, v in second.components_s.items()},
        )
