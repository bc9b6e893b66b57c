"""Stand-ins for a run's profile and workers: a script in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from otel_voiceload.errors import OvlError
from otel_voiceload.load.messages import (
    Finish,
    Finished,
    FromWorker,
    HangUpAll,
    ToWorker,
)
from otel_voiceload.model import NS_PER_S, Record, ShardLoss, Stage
from otel_voiceload.profiles import Findings, Measured, Plain
from otel_voiceload.runner.stage_log import HELD
from otel_voiceload.telemetry.exporter import Totals


@dataclass
class Ask(Plain):
    """A profile that hands out what it was given, one answer each time it is asked."""

    answers: list[tuple[Stage, ...] | None]
    seeks_limit: bool = False  # type: ignore[misc]  # of one profile, where others have their class's
    wants: tuple[int, ...] = ()  # after so many stages it needs a measurement
    asked: list[Findings] = field(default_factory=list)

    def needs_measure(self, findings: Findings) -> bool:
        held = [found for found in findings.stages if found.stage.note != HELD]
        return len(held) in self.wants and findings.measured_now is None

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        self.asked.append(findings)
        return self.answers.pop(0)


class ScriptedFleet:
    """Workers that do as told at once; ``poll`` turns the clock and plays what is due."""

    def __init__(self, workers: int = 1) -> None:
        self.now_ns = 1_000 * NS_PER_S
        self.begin_ns = 0
        self.begun: tuple[Stage, ...] = ()
        self.looks = 0  # for workers that are silent
        self.lost_at_ns = 0
        self.told: list[tuple[float, ToWorker]] = []
        self.recorded: list[Record] = []
        self.script: list[tuple[float, Callable[[], FromWorker | None]]] = []
        self.finished: list[Finished] = []
        self.lost: list[int] = []
        self.workers = workers
        self.deaf = False  # whether calls stay up whatever the workers are told
        self.telemetry_alive = True
        self.closed: tuple[Record | None, float] | None = None

    def at(self, elapsed_s: float, what: Callable[[], FromWorker | None]) -> None:
        self.script.append((elapsed_s, what))

    @property
    def elapsed_s(self) -> float:
        return (self.now_ns - self.begin_ns) / NS_PER_S

    @property
    def done(self) -> bool:
        return len(self.finished) + len(self.lost) >= self.workers

    def wait_ready(self) -> None:
        for index in self.lost:
            raise OvlError(f"worker {index} ended while starting")

    @property
    def size(self) -> int:
        return self.workers

    @property
    def losses(self) -> tuple[ShardLoss, ...]:
        return tuple(ShardLoss(index, self.lost_at_ns) for index in self.lost)

    def begin(self, stages: tuple[Stage, ...], start_mono_ns: int) -> None:
        self.begin_ns = self.lost_at_ns = start_mono_ns
        self.begun = stages

    def drop_silent(self) -> None:
        self.looks += 1

    def cut_off(self) -> None:
        pass

    def record(self, record: Record) -> None:
        self.recorded.append(record)

    def tell(self, message: ToWorker) -> None:
        self.told.append((self.elapsed_s, message))
        if isinstance(message, Finish | HangUpAll) and not (self.deaf or self.finished):
            self.finished = [Finished(index, 1) for index in range(self.workers - len(self.lost))]

    def poll(self, timeout_s: float) -> list[FromWorker]:
        self.now_ns += int(timeout_s * NS_PER_S)
        due = [what for at_s, what in self.script if at_s <= self.elapsed_s]
        self.script = [(at_s, what) for at_s, what in self.script if at_s > self.elapsed_s]
        return [word for what in due if (word := what()) is not None]

    def close(self, last: Record | None, timeout_s: float) -> Totals | None:
        self.closed = last, timeout_s
        return Totals(7, 7) if self.telemetry_alive else None

    def words(self, kind: type[ToWorker]) -> list[float]:
        """When the workers were told something of this kind."""
        return [at_s for at_s, word in self.told if isinstance(word, kind)]


class Patience:
    """A measurement that is there after it was asked for so many times."""

    def __init__(self, measured: Measured, polls: int = 1) -> None:
        self.measured = measured
        self.polls = polls
        self.closed = False

    def poll(self) -> Measured | None:
        self.polls -= 1
        return self.measured if self.polls <= 0 else None

    def close(self) -> None:
        self.closed = True
