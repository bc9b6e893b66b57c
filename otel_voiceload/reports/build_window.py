"""A report of a window of a run's time (``--since``, ``--until``), and what it needs from outside.

Turns and levels are those of the window. What they are held against is not: the own baseline is
the run's, or another run's, as in a report of the whole run; and where the window begins above the
unloaded levels, those of the whole run stand for them. They are read first, since a store is asked
about one window at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from otel_voiceload.analysis.background import with_background
from otel_voiceload.analysis.inflection import Finding
from otel_voiceload.analysis.judge import Grounds, Measured
from otel_voiceload.analysis.levels import Evidence, HeldLevel, Level, came_back, gather
from otel_voiceload.analysis.onset import OCTAVE
from otel_voiceload.analysis.outside import unloaded, with_rows
from otel_voiceload.reports.build_figures import OWN_BASELINE_CALLS, own_baseline
from otel_voiceload.reports.build_measured import RunSamples, read_samples
from otel_voiceload.reports.report import Window as Told
from otel_voiceload.store.reading import Reading

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """The window and, of the whole run, what it may have cut off. Times are unix nanoseconds."""

    since_ns: int | None
    until_ns: int | None
    started_ns: int
    ended_ns: int | None
    calls_ns: tuple[int, int] | None  # the first call's start, the last one's end
    held: tuple[HeldLevel, ...]  # in the order of the run

    @property
    def returned(self) -> frozenset[int]:
        """Numbers of levels that the load came back down to."""
        return came_back(self.held)

    @property
    def again(self) -> frozenset[int]:
        """Numbers of levels that had been held before."""
        return frozenset(
            level.number
            for i, level in enumerate(self.held)
            if any(before.asked == level.asked for before in self.held[:i])
        )

    @property
    def words(self) -> str:
        return between(self._s(self.since_ns), self._s(self.until_ns))

    @property
    def holds_no_turn(self) -> str:
        """Said where it does not, with where there are any."""
        return f"the window {self.words} holds no turn; {self._calls}"

    def next_step(self, turns: int, finding: Finding) -> str | None:
        """What to do now, where the window is the reason that little is known."""
        if not turns:
            return f"Choose a window that holds some: {self._calls}."
        inside = [each for each in self.held if self._holds(each)]
        highest = max((each.asked for each in self.held), default=0.0)
        cut = len(inside) < len(self.held)
        higher = finding.status == "not_reached" and highest > (finding.tested_up_to or 0.0)
        if higher or (cut and finding.status in ("cannot_tell", "at_most")):
            return f"Ask about the whole run, which held up to {highest:g} calls, or more of it."
        return None

    def told(self, stand_ins: Collection[Level]) -> Told:
        """``stand_ins`` are levels outside that stand for the unloaded target."""
        return {
            "since": _iso(self.since_ns),
            "until": _iso(self.until_ns),
            "since_s": self._s(self.since_ns),
            "until_s": self._s(self.until_ns),
            "run_s": self._s(self.ended_ns),
            "unloaded_up_to": max((each.asked for each in stand_ins), default=None),
        }

    @property
    def _calls(self) -> str:
        if self.calls_ns is None:
            return "the run has no call"
        first, last = (self._s(each) or 0.0 for each in self.calls_ns)
        return f"the run's calls lie between {max(0.0, first):.0f} s and {last:.0f} s"

    def _holds(self, level: HeldLevel) -> bool:
        since_ns = self.since_ns or 0
        return level.started_ns >= since_ns and level.ended_ns <= (self.until_ns or level.ended_ns)

    def _s(self, at_ns: int | None) -> float | None:
        """Seconds after the run's start."""
        return None if at_ns is None else round((at_ns - self.started_ns) / NS_PER_S, 3)


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies outside of the window and still counts."""

    window: Window
    base: Mapping[str, Measured]  # of the baseline run, else of this run's own levels
    base_up_to: float | None
    evidence: Evidence
    samples: RunSamples

    def stand_ins(self, inside: Evidence, background: float) -> tuple[Level, ...]:
        return unloaded(self.evidence, inside, OWN_BASELINE_CALLS + background)

    def beside(self, grounds: Grounds, stand_ins: tuple[Level, ...], evidence: Evidence) -> Grounds:
        """The window's grounds with those of the stand-ins; ``evidence`` is of both."""
        measured = with_rows(grounds.measured, self.samples.measured, stand_ins)
        return replace(grounds, measured=measured, levels=evidence.rising)


def read_outside(
    reading: Reading,
    run_id: str,
    base_id: str | None,
    facts: Mapping[str, object],
    metrics: Collection[str],
    window_ns: tuple[int | None, int | None],
    background: float,
) -> Outside:
    """Reads the run's unloaded levels and the baseline, and leaves the store to be asked anew."""
    reading.prepare(run_id)
    window = _window(reading, run_id, facts, window_ns)
    since_ns, until_ns = _unloaded_time(window.held)
    reading.prepare(run_id, since_ns=since_ns, until_ns=until_ns)
    samples = read_samples(reading, run_id, metrics, since_ns, until_ns)
    evidence = evidence_of(reading, run_id, background)
    base: Mapping[str, Measured]
    base, up_to = own_baseline(samples, evidence.rising, background)
    if base_id is not None:
        reading.prepare(base_id)
        base, up_to = read_samples(reading, base_id, metrics).measured, None
    return Outside(window, base, up_to, evidence, samples)


def evidence_of(
    reading: Reading, run_id: str, background: float, returned: Collection[int] = ()
) -> Evidence:
    """The evidence of a run, or of the window that the store is asked about."""
    names = ("level_blocks", "level_cells", "level_throughput", "turn_cycles")
    rows = [reading.arrays(name, run_id=run_id) for name in names]
    return with_background(gather(*rows, returned=returned), background)


def between(since_s: float | None, until_s: float | None) -> str:
    """``120 s to 300 s``, in seconds after the run's start."""
    if until_s is None:
        return f"from {since_s or 0:g} s on"
    return f"{since_s or 0:g} s to {until_s:g} s"


def _window(
    reading: Reading,
    run_id: str,
    facts: Mapping[str, object],
    window_ns: tuple[int | None, int | None],
) -> Window:
    (calls,) = reading.query("calls_span", run_id=run_id)
    ended = facts["ended"]
    return Window(
        *window_ns,
        started_ns=cast(int, facts["started_ns"]),
        ended_ns=_ns(ended) if isinstance(ended, datetime) else None,
        calls_ns=(cast(int, calls["started_ns"]), cast(int, calls["ended_ns"]))
        if calls["calls"]
        else None,
        held=tuple(
            HeldLevel(
                cast(int, row["level_no"]), cast(float, row["level"]), str(row["phase"]),
                cast(int, row["started_ns"]), cast(int, row["ended_ns"]),
            )
            for row in reading.query("levels_held", run_id=run_id)
        ),
    )  # fmt: skip


def _unloaded_time(held: Collection[HeldLevel]) -> tuple[int | None, int | None]:
    """From the first unloaded level to the last; all of a run that held none."""
    if not held:
        return None, None
    limit = max(OWN_BASELINE_CALLS, OCTAVE * min(each.asked for each in held))
    low = [each for each in held if each.asked <= limit]
    return min(each.started_ns for each in low), max(each.ended_ns for each in low)


def _ns(when: datetime) -> int:
    return round(when.replace(tzinfo=UTC).timestamp() * 1e6) * 1000


def _iso(at_ns: int | None) -> str | None:
    if at_ns is None:
        return None
    at = datetime.fromtimestamp(at_ns // NS_PER_S, UTC)
    return at.isoformat().replace("+00:00", "Z")
