"""What a run measured, metric by metric, in the shape that thresholds are judged on.

Every figure is one row of a named query, so that a doubtful percentile can be computed again with
``ovl query``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from otel_voiceload.analysis.judge import Measured
from otel_voiceload.analysis.thresholds import METRICS
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.store.reading import Arrays, Reading

NATURAL_ENDS = ("completed", "transferred")
NOT_CONNECTED = ("refused", "negotiation_failed")
# Ours, or not known: neither speaks for or against the target.
NOT_JUDGED = ("aborted_by_us", "unfinished")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RunSamples:
    """A run's turns and calls as columns, and the metrics made of them."""

    turns: Arrays
    calls: Arrays
    measured: Mapping[str, Measured]

    @property
    def judged_calls(self) -> Mask:
        """Calls that were connected and whose end was the target's or the caller's own."""
        outcome = self.calls["outcome"].astype(str)
        return self.calls["connected"].astype(bool) & ~np.isin(outcome, NOT_JUDGED)

    @property
    def packets(self) -> bool:
        """Whether the wire has packets that can be lost or late."""
        lost = self.calls["packets_lost"].astype(float)
        return bool((~np.isnan(lost)).any()) or "udp" in self.calls["transport"].astype(str)


def read_samples(
    reading: Reading,
    run_id: str,
    metrics: Iterable[str] = (),
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> RunSamples:
    """The samples of a run, or of a window of its time (unix nanoseconds).

    ``metrics`` are those that a threshold asks for: components and gaps have rows of their own.
    """
    window: dict[str, object] = {"run_id": run_id, "since_ns": since_ns, "until_ns": until_ns}
    turns = _rows(reading, "turn_samples", window)
    calls = _rows(reading, "call_samples", window)
    measured = _measured(turns, calls)
    measured |= _of_target(reading, window)
    if "audio_gap" in metrics:
        rows = _rows(reading, "gap_samples", window)
        gaps = rows["audio_gap_s"].astype(float)
        measured["audio_gap"] = _series(rows, gaps, finite(gaps))
    for name in sorted(each for each in set(metrics) if each in COMPONENTS or each not in METRICS):
        rows = _rows(reading, "component_samples", {**window, "component": name})
        seconds = rows["latency_s"].astype(float)
        measured[name] = _series(rows, seconds, finite(seconds), rows["cut_off"].astype(bool))
    return RunSamples(turns, calls, measured)


def _rows(reading: Reading, name: str, parameters: Mapping[str, object]) -> Arrays:
    """The rows of a query; words as arrays that all series of these rows share."""
    rows = reading.arrays(name, **parameters)
    words = {key: rows[key].astype(str) for key in ("phase", "scenario")}
    return {**rows, **words}


def finite(values: npt.NDArray[np.generic]) -> Mask:
    return np.asarray(np.isfinite(values.astype(float)))


def _measured(turns: Arrays, calls: Arrays) -> dict[str, Measured]:
    latency = turns["latency_s"].astype(float)
    heard = finite(latency)
    found = {
        "turn_latency": _series(turns, latency, heard, turns["censored"].astype(bool)),
        "error_rate": _series(turns, turns["censored"].astype(float), heard),
        "interruption_rate": _series(
            turns, turns["interrupted"].astype(float), np.ones(len(latency), dtype=bool)
        ),
    }
    outcome = calls["outcome"].astype(str)
    connected = calls["connected"].astype(bool)
    found["call_completion"] = _series(
        calls,
        np.isin(outcome, NATURAL_ENDS).astype(float),
        connected & ~np.isin(outcome, NOT_JUDGED),
    )
    found["connect_success"] = _series(
        calls, (~np.isin(outcome, NOT_CONNECTED)).astype(float), np.ones(len(outcome), dtype=bool)
    )
    for metric, column in (
        ("greeting", "greeting_s"),
        ("connect_time", "connect_s"),
        ("jitter", "jitter_s"),
        ("packet_loss", "loss_ratio"),
    ):
        values = calls[column].astype(float)
        found[metric] = _series(calls, values, finite(values))
    return found


def _of_target(reading: Reading, window: Mapping[str, object]) -> dict[str, Measured]:
    """What the target took of its machine, where anybody knows it."""
    rows = _rows(reading, "target_samples", window)
    found = {}
    for metric, column in (
        ("target_cpu", "cpu"),
        ("target_memory", "rss_bytes"),
        ("target_fds", "fds"),
        ("target_gc", "gc_share"),
    ):
        values = rows[column].astype(float)
        if (known := finite(values)).any():
            found[metric] = _series(rows, values, known)
    return found


def _series(
    rows: Arrays, values: npt.NDArray[np.float64], mask: Mask, censored: Mask | None = None
) -> Measured:
    marks = np.zeros(len(values)) if censored is None else censored.astype(float)
    return Measured(
        values=values,
        censored=marks,
        calls=rows["call"].astype(float),
        levels=rows["level_no"].astype(float),
        phases=rows["phase"].astype(str, copy=False),
        scenarios=rows["scenario"].astype(str, copy=False),
    ).where(mask)
