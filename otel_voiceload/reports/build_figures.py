"""The plain figures of a report: percentiles, completion, media, generator, baseline.

None where nothing was measured; a zero is a measurement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from otel_voiceload.analysis.judge import Measured
from otel_voiceload.analysis.levels import Level as LoadLevel
from otel_voiceload.reports.build_measured import NATURAL_ENDS, NOT_CONNECTED, RunSamples, finite
from otel_voiceload.reports.report import (
    Baseline,
    CallCompletion,
    Connect,
    CopyLedger,
    Generator,
    Latency,
    LeftOut,
    MediaFigure,
    Unattributed,
)

OWN_BASELINE_CALLS = 10.0


def latency(measured: Measured) -> Latency:
    """Percentiles of a latency; unanswered turns stand with their deadline."""
    values, censored = measured.values, measured.censored.astype(bool)
    return {
        "p50_s": quantile(values, 0.50),
        "p95_s": quantile(values, 0.95),
        "p99_s": quantile(values, 0.99),
        "samples": len(values),
        "censored": int(censored.sum()),
        "censored_at_s": float(values[censored].min()) if censored.any() else None,
    }


def quantile(values: npt.NDArray[np.generic], share: float) -> float | None:
    known = values.astype(float)[finite(values)]
    return float(np.quantile(known, share)) if len(known) else None


def unattributed(samples: RunSamples) -> Unattributed:
    rest = samples.turns["unattributed_s"].astype(float)
    known = finite(rest)
    whole = samples.turns["latency_s"].astype(float)[known].sum() if known.any() else 0.0
    return {
        "p50_s": quantile(rest, 0.50),
        "p95_s": quantile(rest, 0.95),
        "share": float(rest[known].sum() / whole) if whole > 0 else None,
    }


def connect(samples: RunSamples) -> Connect:
    outcome = samples.calls["outcome"].astype(str)
    seconds = samples.measured["connect_time"].values
    ok = ~np.isin(outcome, NOT_CONNECTED)
    return {
        "attempts": len(outcome),
        "success": float(ok.mean()) if len(outcome) else None,
        "p50_s": quantile(seconds, 0.50),
        "p95_s": quantile(seconds, 0.95),
    }


def completion(
    samples: RunSamples, baseline_rate: float | None, left_out: Sequence[LeftOut] = ()
) -> CallCompletion:
    """Natural ends of the connected calls; those that we ended ourselves are only counted.

    ``left_out`` are the calls that the samples do not hold.
    """
    outcome = samples.calls["outcome"].astype(str)
    judged = samples.judged_calls
    natural = judged & np.isin(outcome, NATURAL_ENDS)
    rate = float(natural.sum() / judged.sum()) if judged.any() else None
    drop = baseline_rate - rate if baseline_rate is not None and rate is not None else None
    return {
        "connected": int(samples.calls["connected"].astype(bool).sum()),
        "natural_end": int(natural.sum()),
        "rate": rate,
        "baseline_rate": baseline_rate,
        "drop_points": drop,
        "outcomes": dict(Counter(outcome.tolist()).most_common()),
        "left_out": list(left_out),
    }


def jitter(samples: RunSamples) -> MediaFigure:
    values = samples.measured["jitter"].values if samples.packets else np.array([])
    return {
        "p95": quantile(values, 0.95),
        "pooled": float(np.sqrt((values**2).mean())) if len(values) else None,
        "streams": len(values),
    }


def packet_loss(samples: RunSamples) -> MediaFigure:
    values = samples.measured["packet_loss"].values if samples.packets else np.array([])
    lost = samples.calls["packets_lost"].astype(float)
    received = samples.calls["packets_received"].astype(float)
    known = finite(lost) & finite(received)
    packets = float(lost[known].sum() + received[known].sum())
    return {
        "p95": quantile(values, 0.95),
        "pooled": float(lost[known].sum() / packets) if packets > 0 else None,
        "streams": len(values),
    }


def own_baseline(
    samples: RunSamples, levels: Sequence[LoadLevel], background: float = 0.0
) -> tuple[dict[str, Measured], float | None]:
    """The figures at this run's own levels of at most ten calls, and the highest of those.

    ``levels`` are in calls of both kinds where ``background`` calls were there already.
    """
    low = [level for level in levels if level.asked - background <= OWN_BASELINE_CALLS]
    if not low:
        return {}, None
    numbers = [number for level in low for number in level.numbers]
    figures = {
        name: rows.where(np.isin(rows.levels, numbers)) for name, rows in samples.measured.items()
    }
    return figures, max(level.asked for level in low)


def baseline(
    figures: dict[str, Measured],
    run_id: str | None,
    up_to_calls: float | None,
    chosen: bool = True,
) -> Baseline:
    """``chosen``: whether the run ``run_id`` was tagged or marked, and not taken by its profile."""
    latencies = figures.get("turn_latency")
    if latencies is None or not len(latencies.values):
        return {
            "kind": "none",
            "run_id": None,
            "up_to_calls": None,
            "p95_s": None,
            "completion": None,
        }
    ends = figures["call_completion"].values
    p95_s = quantile(latencies.values, 0.95)
    silent = latencies.values[latencies.censored.astype(bool)]
    if p95_s is not None and len(silent) and p95_s >= silent.min():
        p95_s = None  # turns that nobody answered: how long they would have taken is not known
    return {
        "kind": "own_levels" if run_id is None else "tagged_run" if chosen else "profile_run",
        "run_id": run_id,
        "up_to_calls": up_to_calls,
        "p95_s": p95_s,
        "completion": float(ends.mean()) if len(ends) else None,
    }


def generator(
    health: Mapping[str, object],
    starts: Mapping[str, object],
    hearing_bias_s: float | None,
    hearing_spread_s: float | None,
    spans_ended: int | None,
    spans_stored: int,
    spans_lost: dict[str, int],
    copy: CopyLedger | None = None,
) -> Generator:
    def figure(name: str, rows: Mapping[str, object] = health) -> float | None:
        value = rows.get(name)
        return float(value) if isinstance(value, int | float) else None

    late = health.get("late_starts")
    return {
        "pacing_error_p99_s": figure("pacing_error_p99_s"),
        "late_share": figure("late_share"),
        "run_delay_share": figure("run_delay_share"),
        "loop_lag_p99_s": figure("loop_lag_p99_s"),
        "cpu": figure("cpu"),
        "late_starts": late if isinstance(late, int) else None,
        "limited_share": figure("limited_share"),
        "limited_by": str(health.get("limited_by") or ""),
        "turn_dispersion": figure("dispersion", starts),
        "prompt_repeat_ratio": figure("prompt_repeat_ratio", starts),
        "hearing_bias_s": hearing_bias_s,
        "hearing_spread_s": hearing_spread_s,
        "spans_ended": spans_ended,
        "spans_stored": spans_stored,
        "spans_lost": spans_lost,
        "copy": copy,
    }
