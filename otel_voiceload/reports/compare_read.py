"""One run as a comparison needs it: its report, its rows, and which level each row is of.

Levels are known by the calls that were asked for, since the same load has other stage numbers in
another plan; those that the load came back down to are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from otel_voiceload.analysis.compare import Rows
from otel_voiceload.analysis.judge import Measured
from otel_voiceload.analysis.levels import Level, gather
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.build_measured import read_samples
from otel_voiceload.reports.report import Report
from otel_voiceload.store.reading import Reading

_FIRST_BIN: Final = 10_000  # level_no of a quarter octave: this and four times its binary logarithm
_EVIDENCE: Final = ("level_blocks", "level_cells", "level_throughput", "turn_cycles")


@dataclass(frozen=True, slots=True)
class RunFigures:
    """``levels`` maps the store's level numbers to calls asked for, of levels that count."""

    report: Report
    scenario_hash: str
    clip_pack: str
    measured: Mapping[str, Measured]
    levels: Mapping[int, float]

    @property
    def run_id(self) -> str:
        return self.report["run"]["id"]

    @property
    def asked(self) -> frozenset[float]:
        return frozenset(self.levels.values())

    def rows(self, metric: str, shared: frozenset[float] | None) -> Rows | None:
        """A metric's rows at the levels asked for in ``shared``; None means all of the run."""
        measured = self.measured.get(metric)
        if measured is None or not len(measured.values):
            return None
        if shared is None:
            one_level = np.zeros(len(measured.values), dtype=np.int64)
            return _rows(measured, one_level)
        codes = {level: code for code, level in enumerate(sorted(shared))}
        code_of = {no: codes[asked] for no, asked in self.levels.items() if asked in codes}
        numbers = np.where(np.isnan(measured.levels), -1, measured.levels).astype(np.int64)
        at = np.array([code_of.get(number, -1) for number in numbers.tolist()], dtype=np.int64)
        kept = at >= 0
        return _rows(measured.where(kept), at[kept]) if kept.any() else None


def read_run(reading: Reading, run_id: str, baselines: Sequence[str] = ()) -> RunFigures:
    """Reads one run whole. StoreError when it is not there."""
    return figures_of(
        reading, build_report(reading, run_id, ReportOptions(baselines=tuple(baselines)))
    )


def figures_of(reading: Reading, report: Report) -> RunFigures:
    """The figures of a run whose report there is already."""
    run_id = report["run"]["id"]
    facts = reading.query("run_facts", run_id=run_id)[0]
    parts = [each for each in COMPONENTS if _timed(report, each)]
    samples = read_samples(reading, run_id, parts)
    evidence = gather(*(reading.arrays(name, run_id=run_id) for name in _EVIDENCE))
    return RunFigures(
        report=report,
        scenario_hash=str(facts["scenario_hash"] or ""),
        clip_pack=str(facts["clip_pack"] or ""),
        measured=samples.measured,
        levels={no: asked for each in evidence.rising for no, asked in _numbers(each)},
    )


def _timed(report: Report, component: str) -> bool:
    return any(
        each["component"] == component and each["samples"] > 0 for each in report["components"]
    )


def _numbers(level: Level) -> list[tuple[int, float]]:
    """A held level by what was asked; a bin that was merged by each of its quarter octaves."""
    if level.kind == "held":
        return [(number, level.asked) for number in level.numbers]
    return [(number, round(2 ** ((number - _FIRST_BIN) / 4), 1)) for number in level.numbers]


def _rows(measured: Measured, levels: np.typing.NDArray[np.int64]) -> Rows:
    return Rows(
        values=measured.values.astype(float),
        calls=measured.calls.astype(np.int64),
        levels=levels,
        censored=measured.censored.astype(bool),
    )
