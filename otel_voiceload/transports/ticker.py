"""The pacing loop: one task that gives every call its turn, once per 20 ms frame.

One task for all calls, since a sleep per frame per call costs half as much again as sending. Calls
are spread over slots within the frame, so that a thousand calls are not one burst. The schedule is
fixed when the loop starts and never moves: a slot that is late runs at once, and one that is more
than a whole frame late is skipped and counted, because two frames sent together are no 20 ms pace.

``FrameTicker.advance`` is the whole logic and takes the time as an argument; the task around it
only sleeps. It does not wake up while the loop hands out what a peer sent in a burst, 400 messages
and 30 ms at 500 calls: so whoever hears a message calls ``keep_up`` first.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from otel_voiceload.audio.encoding import FRAME_NS
from otel_voiceload.model import NS_PER_MS, NS_PER_S

Callback = Callable[[int, int], None]  # (scheduled_mono_ns, now_mono_ns)

_CELL_NS = 100_000  # resolution of the pacing error: 0.1 ms
_CELLS = 1001  # the last cell holds everything over 100 ms


@dataclass(frozen=True, slots=True)
class TickHealth:
    """How well the schedule was kept since the last reading."""

    frames_due: int
    frames_late: int  # over one frame late: skipped
    late_share: float
    pacing_error_p99_s: float  # how late callbacks ran, skipped ones included; at most 0.1
    pacing_error_p999_s: float = 0.0
    frames_over_5_ms: int = 0
    frames_over_10_ms: int = 0


class Ticket:
    """One callback's place in the schedule."""

    __slots__ = ("active", "callback", "slot")

    def __init__(self, callback: Callback, slot: int) -> None:
        self.callback = callback
        self.slot = slot
        self.active = True


class FrameTicker:
    """Runs each callback once per frame. Not thread-safe: one per event loop."""

    def __init__(self, slots: int = 10, clock: Callable[[], int] = time.monotonic_ns) -> None:
        if slots < 1 or FRAME_NS % slots:
            raise ValueError(f"{slots} slots do not divide a frame of {FRAME_NS} ns")
        self._step_ns = FRAME_NS // slots
        self._slots: list[list[Ticket]] = [[] for _ in range(slots)]
        self._clock = clock
        self._next = 0  # number of the next slot since the start
        self._next_mono_ns = math.inf  # when it is due; while the task runs
        self._start_mono_ns: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._due = 0
        self._late = 0
        self._cells = [0] * _CELLS

    def __len__(self) -> int:
        return sum(len(tickets) for tickets in self._slots)

    def add(self, callback: Callback) -> Ticket:
        """Start calling ``callback``, in the emptiest slot; must not raise.

        One that raises is reported to the loop's exception handler and not called again.
        """
        slot = min(range(len(self._slots)), key=lambda i: len(self._slots[i]))
        ticket = Ticket(callback, slot)
        self._slots[slot].append(ticket)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Stop calling; from inside a callback too, and twice is fine."""
        if ticket.active:
            ticket.active = False
            self._slots[ticket.slot].remove(ticket)

    def close(self) -> None:
        """Stop for good."""
        for tickets in self._slots:
            for ticket in tuple(tickets):
                self.remove(ticket)
        if self._task is not None:
            self._task.cancel()

    def advance(self, now_mono_ns: int) -> int:
        """Run or skip the next slot if it is due; return the time of the slot after that."""
        if self._start_mono_ns is None:
            self._start_mono_ns = now_mono_ns
        scheduled = self._start_mono_ns + self._next * self._step_ns
        lateness = now_mono_ns - scheduled
        if lateness < 0:
            self._next_mono_ns = scheduled
            return scheduled
        self._next_mono_ns = scheduled + self._step_ns
        tickets = self._slots[self._next % len(self._slots)]
        self._next += 1
        if tickets:
            if lateness > FRAME_NS:
                self._due += len(tickets)
                self._late += len(tickets)
                self._cells[min(lateness // _CELL_NS, _CELLS - 1)] += len(tickets)
            else:
                self._run_slot(tuple(tickets), scheduled)
        return scheduled + self._step_ns

    def keep_up(self, now_mono_ns: int) -> None:
        """Run the next slot if it is due; cheap when it is not. Not from inside a callback."""
        if now_mono_ns >= self._next_mono_ns:
            self.advance(now_mono_ns)

    def _run_slot(self, tickets: tuple[Ticket, ...], scheduled: int) -> None:
        clock, cells, last = self._clock, self._cells, _CELLS - 1
        for ticket in tickets:
            if not ticket.active:  # removed by a callback before it
                continue
            now = clock()
            lateness = now - scheduled
            self._due += 1
            cell = lateness // _CELL_NS
            cells[cell if cell < last else last] += 1
            if lateness > FRAME_NS:  # those before it in the slot took too long
                self._late += 1
                continue
            try:
                ticket.callback(scheduled, now)
            except Exception as error:
                self.remove(ticket)
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a paced callback failed and was removed", "exception": error}
                )

    def take_health(self) -> TickHealth:
        """Figures since the last call of this method."""
        due, late, cells = self._due, self._late, self._cells
        self._due, self._late, self._cells = 0, 0, [0] * _CELLS
        late_share = late / due if due else 0.0
        return TickHealth(
            due,
            late,
            late_share,
            _quantile_s(cells, 0.99),
            _quantile_s(cells, 0.999),
            sum(cells[5 * NS_PER_MS // _CELL_NS :]),
            sum(cells[10 * NS_PER_MS // _CELL_NS :]),
        )

    async def _run(self) -> None:
        # After an idle time the old schedule lies far behind; go on at its next slot from now.
        if self._start_mono_ns is not None:
            behind = self._clock() - self._start_mono_ns
            self._next = max(self._next, behind // self._step_ns + 1)
        try:
            while any(self._slots):
                ahead = self.advance(self._clock()) - self._clock()
                # Whole milliseconds upwards: uvloop rounds timers to the nearest one, and a wake-up
                # just before the slot would spin until it is due.
                await asyncio.sleep(math.ceil(ahead / NS_PER_MS) / 1000 if ahead > 0 else 0)
        finally:
            self._next_mono_ns = math.inf


def _quantile_s(cells: list[int], q: float) -> float:
    wanted = math.ceil(sum(cells) * q)
    seen = 0
    for index, count in enumerate(cells):
        seen += count
        if count and seen >= wanted:
            return (index + 1) * _CELL_NS / NS_PER_S
    return 0.0
