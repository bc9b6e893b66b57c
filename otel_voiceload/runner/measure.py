"""What the run so far shows: its own analysis, asked for while the last level is held.

In a child process at low priority, because an analysis of seconds in the runner would leave stages
unannounced and signals unheard. It reads what ``ovl analyze`` reads, through the same report. One
that fails or takes too long is a finding as well: "unknown", and the profile says what it then did.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from otel_voiceload.errors import OvlError
from otel_voiceload.profiles import Ceiling, Fared, Measured
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.report import Baseline, Inflection, Level, Report
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading

TIMEOUT_S = 30.0
NICE = 10
LATEST_RUNS = 10  # of a target, that an earlier ceiling is looked for in
_TELLING = ("found", "at_most", "ambiguous", "not_reached")


class Measuring(Protocol):
    """A measurement under way."""

    def poll(self) -> Measured | None:
        """What was measured; None while it goes on. Its ``stages`` are not counted yet."""

    def close(self) -> None: ...


def unknown(why: str) -> Measured:
    return Measured(0, "unknown", why=why)


class Child:
    """The measurement in a process of its own."""

    def __init__(
        self, store: Path, run_id: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._clock = clock
        self._until_s = clock() + TIMEOUT_S
        self._answer, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_measure, args=(store, run_id, theirs), name="measure", daemon=True
        )
        self._process.start()
        theirs.close()

    def poll(self) -> Measured | None:
        try:
            if self._answer.poll():
                measured: Measured = self._answer.recv()
                return measured
        except (EOFError, OSError):
            return unknown("the analysis ended without a word")
        if self._clock() > self._until_s:
            return unknown(f"the analysis took longer than {TIMEOUT_S:.0f} s")
        return None

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._answer.close()


class Nowhere:
    """Stands for a measurement where nothing can be read."""

    def __init__(self, why: str) -> None:
        self._why = why

    def poll(self) -> Measured | None:
        return unknown(self._why)

    def close(self) -> None:
        """Nothing was opened."""


def starter(store: Path | None, run_id: str) -> Callable[[], Measuring]:
    """What begins a measurement of a run; ``store`` None: its spans go where nobody can read."""
    if store is None:
        return lambda: Nowhere("the run is stored elsewhere")
    return lambda: Child(store, run_id)


def _measure(store: Path, run_id: str, answer: Connection) -> None:
    """Entry of the process."""
    with suppress(OSError):
        os.nice(NICE)
    try:
        with open_store(store) as reading:
            measured = measure(reading, run_id, read_marks(store).baselines)
    except OvlError as error:
        measured = unknown(str(error))
    except Exception as error:  # whatever it is, the run goes on and says that nothing is known
        measured = unknown(f"{type(error).__name__}: {error}")
    answer.send(measured)


def measure(reading: Reading, run_id: str, baselines: tuple[str, ...] = ()) -> Measured:
    """A run as its analysis sees it now; raises OvlError when it can not be read."""
    return measured_of(build_report(reading, run_id, ReportOptions(baselines=baselines)))


def words(measured: Measured) -> str:
    """A measurement in a line for the screen."""
    if measured.status == "unknown":
        return f"measured nothing: {measured.why}"
    name, at = measured.component or "the turn", ""
    if measured.knee is not None:
        at = f" at {measured.knee:.0f} calls"
        if measured.knee_low is not None and measured.knee_high is not None:
            at += f" ({measured.knee_low:.0f} to {measured.knee_high:.0f})"
    match measured.status:
        case "found":
            said = f"{name} is full{at}"
        case "at_most":
            said = f"{name} was full from the lowest level on"
        case "ambiguous":
            said = f"several bend together, {name} first{at}"
        case "not_reached":
            said = "nothing bends"
        case "unobserved":
            said = "there is no component timing to go by"
        case _:
            said = "no component can be told yet"
    carries = "how many calls are carried is not known yet"
    if measured.ceiling is not None:
        carries = f"{measured.ceiling:.0f} calls are carried"
    return f"measured so far: {said}; {carries}"


def measured_of(report: Report) -> Measured:
    finding = _telling(report)
    first = finding["candidates"][0] if finding["candidates"] else None
    low, high = first["ci"] if first is not None and first["ci"] is not None else (None, None)
    ceiling, why = _ceiling(report, finding)
    return Measured(
        stages=0,
        status=finding["status"],
        component=None if first is None else first["component"],
        knee=None if first is None else first["calls"],
        knee_low=low,
        knee_high=high,
        ceiling=ceiling,
        levels=_levels(report),
        why=why,
    )


def earlier_ceiling(store: Path, target: str) -> Ceiling:
    """The ceiling that the latest telling run of a target in this store showed."""
    if not (store / "recordings").is_dir():
        return Ceiling(None, f"the store {store} has no run of {target}")
    with open_store(store) as reading:
        rows = reading.sql(
            "select run_id from runs where target = $target order by started_ns desc limit $most",
            target=target,
            most=LATEST_RUNS,
        ).rows
        for (run_id,) in rows:
            try:
                found = measure(reading, str(run_id), read_marks(store).baselines)
            except OvlError:
                continue
            if found.ceiling is not None and found.ceiling >= 1:
                return Ceiling(found.ceiling, f"run {run_id}")
    return Ceiling(None, f"no earlier run of {target} in {store} shows one")


def _telling(report: Report) -> Inflection:
    """The components' inflection, or the whole turn's where no component can be told."""
    if report["inflection"]["status"] in _TELLING:
        return report["inflection"]
    if report["turn_inflection"]["status"] in _TELLING:
        return report["turn_inflection"]
    return report["inflection"]


def _ceiling(report: Report, finding: Inflection) -> tuple[float | None, str]:
    """The lower end of every limit that was found, the lowest of them; or why there is none.

    A promise that is missed at the lowest level already is no limit of load and is left out.
    """
    ends: list[float] = []
    for each in (report["ceiling"]["slo"], report["ceiling"]["degradation"]):
        end = each["ci"][0] if each["ci"] is not None else each["calls"]
        if end is not None and end >= 1:
            ends.append(end)
    if finding["status"] in ("found", "at_most"):
        ends += [each["ci"][0] for each in finding["candidates"] if each["ci"] is not None]
    elif finding["status"] == "not_reached" and finding["tested_up_to"] is not None:
        ends.append(finding["tested_up_to"])
    if not ends:
        return None, "no level of this run tells how far the target carries"
    return min(ends), ""


def _levels(report: Report) -> tuple[Fared, ...]:
    """Those that can be judged: enough turns, and the generator was not the limit."""
    return tuple(
        _fared(level, level["p95_s"], report["baseline"])
        for level in report["levels"]
        if level["valid"] and level["p95_s"] is not None
    )


def _fared(level: Level, p95_s: float, base: Baseline) -> Fared:
    drop = None
    if base["completion"] is not None and level["completion"] is not None:
        drop = base["completion"] - level["completion"]
    return Fared(
        calls=level["calls_asked"],
        turns=level["turns"],
        p95_s=p95_s,
        p95_ratio=p95_s / base["p95_s"] if base["p95_s"] else None,
        unanswered=level["no_response"] / level["turns"],
        completion_drop=drop,
    )
