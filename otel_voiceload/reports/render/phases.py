"""The phases of a run as a table, and its spikes in words: the same in every form of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from otel_voiceload.reports.render.phrases import UNKNOWN, bare_seconds, calls, percent, seconds
from otel_voiceload.reports.report import Phase, Report, Spike

COLUMNS: Final = ("phase", "load", "calls", "turns", "p50", "p95", "p99", "completed", "errors")


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """``cells`` as in ``COLUMNS``; ``notes`` belong below them."""

    cells: tuple[str, ...]
    verdict: str | None
    notes: tuple[str, ...]


def rows(report: Report) -> list[PhaseRow]:
    """Nothing for a run of a single phase that says nothing of its own."""
    phases = report["phases"]
    if len(phases) < 2 and not any(
        p["note"] or p["verdict"] or p["starts_dropped"] for p in phases
    ):
        return []
    censored_at_s = report["turn_latency"]["censored_at_s"]
    return [_row(phase, censored_at_s) for phase in phases]


def _row(phase: Phase, censored_at_s: float | None) -> PhaseRow:
    notes = [phase["note"]] if phase["note"] else []
    if phase["starts_dropped"]:
        notes.append(f"{phase['starts_dropped']} arrivals found all of --max-calls held")
    return PhaseRow(
        (
            phase["phase"],
            _load(phase),
            str(phase["calls"]),
            str(phase["turns"]),
            *(bare_seconds(phase[key], censored_at_s) for key in ("p50_s", "p95_s", "p99_s")),
            percent(phase["completion"]),
            percent(phase["error_rate"]),
        ),
        phase["verdict"],
        tuple(notes),
    )


def _load(phase: Phase) -> str:
    if phase["per_s_to"] is not None:
        return f"{phase['per_s_to']:g}/s"
    low, high = phase["calls_from"], phase["calls_to"]
    if low is None or high is None:
        return UNKNOWN
    return calls(high) if low == high else f"{calls(low)}-{calls(high)}"


def about_spikes(report: Report) -> list[str]:
    """A few sentences for each spike."""
    return [line for spike in report["spikes"] for line in _spike(spike)]


def _spike(spike: Spike) -> list[str]:
    asked, reached = spike["calls_asked"], spike["calls_reached"]
    stood = f"stood after {seconds(spike['jump_s'])}"
    if spike["jump_s"] is None:
        stood = f"never stood: {reached} calls at the most"
    own = seconds(spike["schedule_delay_p95_s"])
    failed = f"{spike['connect_failures']} of {spike['connect_attempts']} calls did not connect"
    return [
        f"{calls(spike['calls_before'])} to {calls(asked)} calls {stood};"
        f" the generator's own delay p95 {own}; connecting p95 {seconds(spike['connect_p95_s'])},"
        f" {failed}; {spike['queued']} requests queued, {spike['rejected']} rejected,"
        f" {spike['dropped']} calls dropped",
        f"turns p95 {seconds(spike['p95_before_s'])} before, {seconds(spike['p95_s'])} in it,"
        f" {_recovery(spike)}{_spoiled(spike)}",
    ]


def _recovery(spike: Spike) -> str:
    watched, step = spike["watched_s"], spike["recovery_resolution_s"]
    if watched is None:
        return "and nothing was held after it"
    back, between = spike["recovery_s"], _between(spike)
    if back is None:
        return f"not back within the {seconds(watched)} that were watched{between}"
    if not back:
        return f"back within {seconds(step)}{between}"
    return f"back after {seconds(back)}, to within {seconds(step)}{between}"


def _between(spike: Spike) -> str:
    """The interval, where it says more than the blocks of time do."""
    ci, step = spike["recovery_ci"], spike["recovery_resolution_s"] or 0.0
    if ci is None or (ci[1] is not None and ci[1] - ci[0] <= 2 * step):
        return ""
    if ci[1] is None:
        return "" if ci[0] >= (spike["watched_s"] or 0.0) else f" (at least {seconds(ci[0])})"
    return f" ({seconds(ci[0])} to {seconds(ci[1])})"


def _spoiled(spike: Spike) -> str:
    if not spike["limited_share"]:
        return ""
    return f"; the generator was the limit for {percent(spike['limited_share'])} of it"
