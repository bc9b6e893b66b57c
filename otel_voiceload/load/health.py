"""Whether the generator kept its own promises, second by second.

A generator that is late measures itself. Four signs are watched, because each misses what another
shows: an event loop's lag was 2.7 ms while frames left more than a second late, and the scheduler's
run delay names a crowded core where the rest only looks slow.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from otel_voiceload.model import NS_PER_S, Health
from otel_voiceload.transports.ticker import TickHealth

# A second beyond any of these is the generator's fault and not the target's. The ideal is far
# below (5 ms pacing, 10 % run delay, as an idle core gives); these are where figures turn wrong.
PACING_ERROR_P99_S = 0.020  # a whole frame: the caller's voice is no longer a 20 ms stream
LATE_SHARE = 0.01  # dropped frames are gaps in the caller's speech, which a recogniser hears
LOOP_LAG_P99_S = 0.050  # arrivals are stamped when the loop reads: this is added to each latency
RUN_DELAY_SHARE = 0.5  # measured at 0.6 and more where every library fell seconds behind
LIMITED_SECONDS_SHARE = 0.25  # of a stage's seconds: more, and the stage proves nothing

_LAG_EVERY_S = 0.05
_SCHEDSTAT = Path("/proc/thread-self/schedstat")


def within_bounds(health: Health) -> list[str]:
    """Why the generator was the limit in this second; empty when it was not."""
    checks = (
        ("pacing error p99", health.pacing_error_p99_s, PACING_ERROR_P99_S, _ms),
        ("share of frames dropped late", health.late_share, LATE_SHARE, _percent),
        ("event loop lag p99", health.loop_lag_p99_s, LOOP_LAG_P99_S, _ms),
        ("time waiting for a core", health.run_delay_share, RUN_DELAY_SHARE, _percent),
    )
    return [
        f"{name} {show(value)} is over {show(bound)}"
        for name, value, bound, show in checks
        if value > bound
    ]


def limited(seconds: Iterable[Health]) -> bool:
    """Whether the generator was the limit of a stage, by the seconds of all its shards."""
    reasons = [bool(within_bounds(health)) for health in seconds]
    return sum(reasons) > LIMITED_SECONDS_SHARE * len(reasons)


def read_run_delay_ns() -> int | None:
    """Nanoseconds that this thread was runnable and did not run; None where nobody counts them."""
    try:
        return int(_SCHEDSTAT.read_text("ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None


class LoopLag:
    """Asks the event loop for a short sleep over and over and notes how late it comes back."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._lags_ns: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due_mono_ns = 0

    def start(self) -> None:
        self._due_mono_ns = self._clock() + round(_LAG_EVERY_S * NS_PER_S)
        self._timer = asyncio.get_running_loop().call_later(_LAG_EVERY_S, self._woken)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def note(self, lag_ns: int) -> None:
        self._lags_ns.append(max(0, lag_ns))

    def take_p99_s(self) -> float:
        """Of the lags since the last call; they are few, so it is nearly their longest."""
        lags, self._lags_ns = sorted(self._lags_ns), []
        return lags[math.ceil(len(lags) * 0.99) - 1] / NS_PER_S if lags else 0.0

    def _woken(self) -> None:
        self.note(self._clock() - self._due_mono_ns)
        self.start()


class Probe:
    """Turns what the ticker, the loop and the kernel counted into one ``Health`` per second."""

    def __init__(
        self,
        shard_index: int,
        now_mono_ns: int,
        cpu_s: Callable[[], float] = time.process_time,
        run_delay_ns: Callable[[], int | None] = read_run_delay_ns,
    ) -> None:
        self._shard_index = shard_index
        self._cpu_s = cpu_s
        self._run_delay_ns = run_delay_ns
        self._at_mono_ns = now_mono_ns
        self._cpu_before_s = cpu_s()
        self._run_delay_before_ns = run_delay_ns()

    def take(
        self,
        now_mono_ns: int,
        ticks: TickHealth,
        loop_lag_p99_s: float,
        *,
        calls_active: int,
        late_starts: int,
        connect_pending: int,
    ) -> Health:
        passed_ns = max(1, now_mono_ns - self._at_mono_ns)
        cpu_s, delay_ns = self._cpu_s(), self._run_delay_ns()
        delayed_ns = 0  # also where nobody counts it, as on macOS
        if delay_ns is not None and self._run_delay_before_ns is not None:
            delayed_ns = delay_ns - self._run_delay_before_ns
        health = Health(
            shard_index=self._shard_index,
            at_mono_ns=now_mono_ns,
            calls_active=calls_active,
            frames_due=ticks.frames_due,
            frames_late=ticks.frames_late,
            late_share=ticks.late_share,
            pacing_error_p99_s=ticks.pacing_error_p99_s,
            loop_lag_p99_s=loop_lag_p99_s,
            run_delay_share=delayed_ns / passed_ns,
            cpu=(cpu_s - self._cpu_before_s) * NS_PER_S / passed_ns,
            late_starts=late_starts,
            connect_pending=connect_pending,
        )
        self._at_mono_ns, self._cpu_before_s = now_mono_ns, cpu_s
        self._run_delay_before_ns = delay_ns
        return health


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
