"""What is seen while a run goes on: a live table on a terminal, a line per ten seconds elsewhere.

Figures here are the last seconds' as the workers saw them. They are never a source of the report,
which asks the store.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from rich.console import Console
from rich.live import Live
from rich.table import Table

from otel_voiceload.model import Progress, Stage

WINDOW_S = 10
LINE_EVERY_S = 10.0


@dataclass(slots=True)
class Tally:
    """Everything that was seen so far, over all shards."""

    calls_active: dict[int, int] = field(default_factory=dict)  # shard -> calls
    bytes_per_s: dict[int, tuple[float, float]] = field(default_factory=dict)  # sent and received
    calls_started: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    natural_ends: Counter[str] = field(default_factory=Counter)  # by scenario
    starts_dropped: int = 0
    turns: int = 0
    unanswered: int = 0
    recent: deque[tuple[float, Progress]] = field(default_factory=deque)
    first_level_medians_s: dict[str, float] = field(default_factory=dict)

    def add(self, progress: Progress, now_s: float) -> None:
        health = progress.health
        self.calls_active[health.shard_index] = health.calls_active
        self.bytes_per_s[health.shard_index] = health.sent_bytes_per_s, health.received_bytes_per_s
        self.calls_started += progress.calls_started
        self.ended.update(progress.calls_ended)
        self.natural_ends.update(progress.natural_ends)
        self.starts_dropped += health.dropped_starts
        self.turns += len(progress.turn_latencies_s) + progress.turns_unanswered
        self.unanswered += progress.turns_unanswered
        self.recent.append((now_s, progress))
        while self.recent and self.recent[0][0] < now_s - WINDOW_S:
            self.recent.popleft()
        for name, values in self._component_values().items():
            if name not in self.first_level_medians_s and len(values) >= 10:
                self.first_level_medians_s[name] = percentile(values, 50)

    def forget(self, shard_index: int) -> None:
        """A shard that is lost holds nothing any more."""
        self.calls_active.pop(shard_index, None)
        self.bytes_per_s.pop(shard_index, None)

    @property
    def traffic(self) -> tuple[float, float] | None:
        """Bytes per second, sent and received, in the calls of all shards."""
        if not self.bytes_per_s:
            return None
        sent, received = zip(*self.bytes_per_s.values(), strict=True)
        return sum(sent), sum(received)

    @property
    def held(self) -> int:
        return sum(self.calls_active.values())

    def latency_s(self, percent: float) -> float | None:
        values = [v for _, p in self.recent for v in p.turn_latencies_s]
        return percentile(values, percent) if values else None

    def worst_component(self) -> tuple[str, float] | None:
        """The one that grew most against its first ten values, and by how much."""
        grown = {
            name: percentile(values, 50) / self.first_level_medians_s[name]
            for name, values in self._component_values().items()
            if values and self.first_level_medians_s.get(name, 0) > 0
        }
        return max(grown.items(), key=lambda item: item[1]) if grown else None

    def generator(self) -> tuple[float, float]:
        """Worst pacing error p99 (seconds) and most CPU of any shard in the window."""
        health = [p.health for _, p in self.recent]
        if not health:
            return 0.0, 0.0
        return max(h.pacing_error_p99_s for h in health), max(h.cpu for h in health)

    def _component_values(self) -> dict[str, list[float]]:
        values: dict[str, list[float]] = {}
        for _, progress in self.recent:
            for name, seen in progress.components.items():
                values.setdefault(name, []).extend(taken_s for _, taken_s in seen)
        return values


def percentile(values: list[float], percent: float) -> float:
    """Nearest rank; good enough for a screen."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Screen:
    """Shows a ``Tally``; silent with ``quiet``."""

    def __init__(
        self,
        stream: IO[str],
        *,
        quiet: bool = False,
        no_color: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = Console(file=stream, no_color=no_color or None, highlight=False)
        self._quiet = quiet
        self._clock = clock
        self._next_line_s = 0.0
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        self._next_line_s = self._clock() + LINE_EVERY_S
        if not self._quiet and self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text, soft_wrap=True, markup=False)

    def show(self, tally: Tally, stage: Stage | None, elapsed_s: float) -> None:
        if self._quiet or elapsed_s < 0:
            return
        if self._live is not None:
            self._live.update(table(tally, stage, elapsed_s))
        elif self._clock() >= self._next_line_s:
            self._next_line_s += LINE_EVERY_S
            self.say(line(tally, stage, elapsed_s))


def table(tally: Tally, stage: Stage | None, elapsed_s: float) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", min_width=10)
    grid.add_column()
    for name, value in rows(tally, stage, elapsed_s):
        grid.add_row(name, value)
    return grid


def rows(tally: Tally, stage: Stage | None, elapsed_s: float) -> list[tuple[str, str]]:
    pacing_s, cpu = tally.generator()
    worst = tally.worst_component()
    endings = ", ".join(f"{count} {name}" for name, count in tally.ended.most_common())
    where = f"{stage.phase} {stage.index + 1}" if stage is not None else "ending"
    return [
        ("stage", f"{where}, {elapsed_s:.0f} s"),
        ("calls", f"{tally.held} held of {asked(stage, elapsed_s)}, {endings or 'none ended'}"),
        ("turns", f"{tally.turns}, {tally.unanswered} unanswered"),
        ("latency", f"p50 {seconds(tally.latency_s(50))}  p95 {seconds(tally.latency_s(95))}"),
        ("slowest", f"{worst[0]} at {worst[1]:.1f}x its start" if worst else "no timing yet"),
        ("generator", f"pacing p99 {pacing_s * 1000:.1f} ms, CPU {cpu * 100:.0f} %"),
    ]


def asked(stage: Stage | None, elapsed_s: float) -> str:
    """The load of a moment: calls asked for, or calls begun per second."""
    if stage is None:
        return "0 asked"
    if stage.arrivals is not None:
        return f"any, {stage.per_s_at(elapsed_s):.3g} begun a second"
    return f"{round(stage.calls_at(elapsed_s))} asked"


def line(tally: Tally, stage: Stage | None, elapsed_s: float) -> str:
    """The same in 80 columns: calls held of those asked for, turns answered of those taken."""
    pacing_s, _ = tally.generator()
    worst = tally.worst_component()
    wanted = f"/{round(stage.calls_at(elapsed_s))}" if stage is not None else "/0"
    if stage is not None and stage.arrivals is not None:
        wanted = f" at {stage.per_s_at(elapsed_s):.2g}/s"
    dropped = f"  dropped {tally.starts_dropped}" if tally.starts_dropped else ""
    return (
        f"{elapsed_s:4.0f} s  calls {tally.held}{wanted}{dropped}"
        f"  answered {tally.turns - tally.unanswered}/{tally.turns}"
        f"  p95 {seconds(tally.latency_s(95))}"
        + (f"  {worst[0]} {worst[1]:.1f}x" if worst else "")
        + f"  pacing {pacing_s * 1000:.0f} ms"
    )


def seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
