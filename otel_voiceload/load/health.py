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
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Final

from otel_voiceload.model import NS_PER_S, Health
from otel_voiceload.transports.ticker import TickHealth


@dataclass(frozen=True, slots=True)
class Bound:
    """A second in which ``figure``, a field of Health, is over ``most`` is the generator's fault.

    ``reason`` is one of conventions.LIMIT_REASONS.
    """

    reason: str
    figure: str
    most: float


# The one place that says when the generator was the limit: a shard judges its own seconds, and
# whoever reads them later goes by its word. The ideal is far below (5 ms pacing, 10 % run delay, as
# an idle core gives); these are where figures turn wrong. The use of the processor is told but is
# no sign: a full core is no fault as long as frames leave in time, and shows here when they do not.
BOUNDS: Final = (
    # A whole frame: the caller's voice is no longer a 20 ms stream.
    Bound("pacing_error", "pacing_error_p99_s", 0.020),
    # Dropped frames are gaps in the caller's speech, which a recogniser hears.
    Bound("late_frames", "late_share", 0.01),
    # Arrivals are stamped when the loop reads: this is added to each latency.
    Bound("loop_lag", "loop_lag_p99_s", 0.050),
    # Measured at 0.6 and more where every library fell seconds behind.
    Bound("run_delay", "run_delay_share", 0.5),
)
# Of a stage's seconds, those without a word from a shard included: more, and it proves nothing.
LIMITED_SECONDS_SHARE: Final = 0.25
HEARTBEAT_LOST_S: Final = 2.0  # between two words of a shard: one at least was left out
UNOFFERED_SHARE: Final = 0.01  # of a stage's load, which went with workers that were lost
# Of the calls begun in a stage, those that failed on this machine's side (out of files, say), while
# fewer were held than this share of those asked for.
FAILED_HERE_SHARE: Final = 0.01
HELD_SHARE: Final = 0.95
# queries/views/ has the same five; tests/test_generator_limits.py holds them together.

_LAG_EVERY_S = 0.05
_SCHEDSTAT = Path("/proc/thread-self/schedstat")


def limited_by(health: Health) -> tuple[str, ...]:
    """The reasons why the generator was the limit in this second; none when it was not."""
    return tuple(each.reason for each in BOUNDS if getattr(health, each.figure) > each.most)


def limited(seconds: Iterable[Health]) -> bool:
    """Whether the generator was the limit of a stage, by the words of its shards in their order.

    A shard that is frozen says nothing for a while: the time that it left out counts as well.
    """
    before: dict[int, int] = {}  # of each shard, when it last said a word
    told_ns = bad_ns = 0
    for health in seconds:
        since_ns = before.get(health.shard_index, health.at_mono_ns - NS_PER_S)
        before[health.shard_index] = health.at_mono_ns
        passed_ns = health.at_mono_ns - since_ns
        told_ns += passed_ns
        if health.limited_by or passed_ns > HEARTBEAT_LOST_S * NS_PER_S:
            bad_ns += passed_ns
    return bad_ns > LIMITED_SECONDS_SHARE * told_ns


@dataclass(slots=True)
class StageLoad:
    """What of a stage's load came to be. ``asked`` calls on average; None where calls arrive."""

    asked: float | None
    seconds: list[Health] = field(default_factory=list)
    begun: int = 0
    failed_here: int = 0
    unoffered: float = 0.0  # share of it

    @property
    def held(self) -> float:
        """Calls, on average."""
        of_shards: dict[int, list[int]] = {}
        for health in self.seconds:
            of_shards.setdefault(health.shard_index, []).append(health.calls_active)
        return sum(fmean(calls) for calls in of_shards.values())

    @property
    def limited(self) -> bool:
        """Whether the stage proves nothing of the target, for whatever fault of ours."""
        if limited(self.seconds) or self.unoffered > UNOFFERED_SHARE:
            return True
        failed = self.failed_here > FAILED_HERE_SHARE * self.begun
        return failed and self.asked is not None and self.held < HELD_SHARE * self.asked


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
        self._traffic_before = (0, 0)

    def take(
        self,
        now_mono_ns: int,
        ticks: TickHealth,
        loop_lag_p99_s: float,
        *,
        calls_active: int,
        late_starts: int,
        connect_pending: int,
        traffic: tuple[int, int] = (0, 0),
    ) -> Health:
        """The time since this was last called. ``traffic``: bytes sent and received so far."""
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
            pacing_error_p999_s=ticks.pacing_error_p999_s,
            frames_over_5_ms=ticks.frames_over_5_ms,
            frames_over_10_ms=ticks.frames_over_10_ms,
            sent_bytes_per_s=(traffic[0] - self._traffic_before[0]) * NS_PER_S / passed_ns,
            received_bytes_per_s=(traffic[1] - self._traffic_before[1]) * NS_PER_S / passed_ns,
        )
        health = replace(health, limited_by=limited_by(health))
        self._at_mono_ns, self._cpu_before_s = now_mono_ns, cpu_s
        self._run_delay_before_ns, self._traffic_before = delay_ns, traffic
        return health
