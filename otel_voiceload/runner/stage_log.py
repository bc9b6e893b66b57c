"""The stages of a run as they were handed out, and what was heard while each of them ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from otel_voiceload.load.health import StageLoad
from otel_voiceload.model import Health, Stage
from otel_voiceload.profiles import Findings, Measured, StageFinding

HOLD_S = 1.5  # of a piece by which the last level is held while something is measured
HELD = "held while the run was measured"


@dataclass(slots=True)
class StageLog:
    """``opened`` and ``closed`` count the stages that were announced."""

    stages: list[Stage] = field(default_factory=list)
    measured: Measured | None = None
    opened: int = 0
    closed: int = 0
    _loads: dict[int, StageLoad] = field(default_factory=dict)
    _losses: list[tuple[float, float]] = field(default_factory=list)  # when, and what share
    _limited: dict[int, bool] = field(default_factory=dict)
    _ends_before: dict[int, int] = field(default_factory=dict)

    @property
    def end_s(self) -> float:
        return self.stages[-1].end_s if self.stages else 0.0

    def at(self, elapsed_s: float) -> Stage | None:
        running = [s for s in self.stages if s.start_s <= elapsed_s]
        return running[-1] if running else None

    def add(self, stages: Iterable[Stage], natural_ends: int = 0) -> None:
        for stage in stages:
            self.stages.append(stage)
            self._ends_before[stage.index] = natural_ends

    def hold(self, natural_ends: int) -> Stage:
        """One more piece of the last level."""
        last = self.stages[-1]
        piece = replace(
            last,
            index=last.index + 1,
            start_s=last.end_s,
            duration_s=HOLD_S,
            calls_from=last.calls_to,
            per_s_from=last.per_s_to,
            at_once=False,
            note=HELD,
        )
        self.add((piece,), natural_ends)
        return piece

    def heard(
        self, at_s: float, health: Health, begun: int = 0, failed_here: int = 0
    ) -> Stage | None:
        """The stage in which the second began that ended at ``at_s``, and that this is about.

        ``begun`` are the calls of that second, ``failed_here`` those that ended by a fault of ours.
        """
        stage = self.at(at_s - 1.0)
        if stage is not None:
            load = self._loads.setdefault(stage.index, _load(stage))
            load.seconds.append(health)
            load.begun += begun
            load.failed_here += failed_here
        return stage

    def lost(self, at_s: float, share: float) -> None:
        """From then on this share of the load is not offered any more."""
        self._losses.append((at_s, share))

    def findings(self, natural_ends: int, scenario_ends: Counter[str]) -> Findings:
        """A stage is judged once: what comes later must not unmake what was decided on it."""
        for stage in self.stages:
            if stage.index not in self._limited:
                load = self._loads.get(stage.index) or _load(stage)
                load.unoffered = self._unoffered(stage)
                self._limited[stage.index] = load.limited
        found = tuple(
            StageFinding(
                stage,
                self._limited[stage.index],
                self._ends_before.get(stage.index, 0),
                held_on=stage.note == HELD,
            )
            for stage in self.stages
        )
        return Findings(found, natural_ends, scenario_ends, self.measured)

    def _unoffered(self, stage: Stage) -> float:
        """The share of a stage's load that was not offered, workers being lost."""
        if stage.duration_s <= 0:
            return 0.0
        gone_s = (
            share * max(0.0, stage.end_s - max(at_s, stage.start_s)) for at_s, share in self._losses
        )
        return sum(gone_s) / stage.duration_s


def _load(stage: Stage) -> StageLoad:
    return StageLoad(None if stage.arrivals else (stage.calls_from + stage.calls_to) / 2)
