"""Whether this machine can bear a plan: files, ports, memory, disk, its clock, and its pacing.

The arithmetic is that of the run itself (``load.safety``, ``--dry-run``), asked point by point: a
run stops at the first shortage, and whoever prepares one wants to know of all of them.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otel_voiceload.errors import OvlError, PreflightFailed
from otel_voiceload.load import clock, resources, safety
from otel_voiceload.load.clock import Discipline, Steps
from otel_voiceload.reports.readiness import Check, State
from otel_voiceload.runner import pacing_trial
from otel_voiceload.runner.dry_run import Forecast
from otel_voiceload.runner.pacing_trial import Paced

STEP_S: Final = 0.001  # a clock that was set by more than this during the check will be set again
_MB: Final = 1e6


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine is asked."""

    limits: Callable[[], safety.Limits] = lambda: resource.getrlimit(resource.RLIMIT_NOFILE)
    ports: Callable[[], int] = resources.ephemeral_ports
    memory_bytes: Callable[[], int] = resources.available_memory_bytes
    disk_bytes: Callable[[Path], int | None] = resources.free_disk_bytes
    discipline: Callable[[], Discipline | None] = clock.discipline
    pace: Callable[[str, int], Paced] = pacing_trial.pace


def machine_checks(forecast: Forecast, store: Path, machine: Machine) -> list[Check]:
    """What must be there before the first call."""
    return [
        _files(forecast, machine),
        _ports(forecast, machine),
        _memory(forecast, machine),
        _disk(forecast, store, machine),
    ]


def _files(forecast: Forecast, machine: Machine) -> Check:
    needed = forecast.descriptors_per_worker
    soft, hard = machine.limits()
    most = hard if hard != resource.RLIM_INFINITY else soft
    words = "no limit" if most == resource.RLIM_INFINITY else f"{most:,} are permitted"
    return _borne(
        "open files",
        f"{needed:,} needed per process, {words}",
        lambda: safety.ensure_descriptors(needed, machine.limits, lambda limits: None),
    )


def _ports(forecast: Forecast, machine: Machine) -> Check:
    there = machine.ports()
    return _borne(
        "local ports",
        f"{forecast.ports:,} needed, {there:,} there",
        lambda: safety.ensure_ports(forecast.ports, there),
    )


def _memory(forecast: Forecast, machine: Machine) -> Check:
    needed, free = forecast.memory_bytes, machine.memory_bytes()
    return _borne(
        "memory",
        f"{needed / _MB:,.0f} MB needed, {free / _MB:,.0f} MB free",
        lambda: safety.ensure_memory(needed, free),
    )


def _disk(forecast: Forecast, store: Path, machine: Machine) -> Check:
    needed, free = forecast.disk_bytes, machine.disk_bytes(store)
    if free is None:
        found = f"about {needed / _MB:,.0f} MB needed, how much is free can not be seen"
        return Check("machine", "disk", "ask", found, "see that there is enough")
    found = f"about {needed / _MB:,.0f} MB needed, {free / _MB:,.0f} MB free"
    if free > needed:
        return Check("machine", "disk", "done", found)
    return Check("machine", "disk", "failed", found, "free some, or give another --store")


def _borne(name: str, found: str, ensure: Callable[[], None]) -> Check:
    try:
        ensure()
    except PreflightFailed as error:
        _, _, what_to_do = str(error).rpartition("; ")
        return Check("machine", name, "failed", found, what_to_do)
    return Check("machine", name, "done", found)


def clock_check(steps: Steps, said: Discipline | None, answer: str) -> Check:
    """Asked for at the end: until then the clock had time to be set. ``answer`` is the user's."""
    moved_s, watched_s = steps.moved_s(), steps.watched_s()
    drift = f"moved {_ms(moved_s)} in {watched_s:.0f} s"
    if abs(moved_s) > STEP_S:
        found = f"was set while it was watched: {drift} against the monotonic clock"
        return Check("machine", "clock", "missing", found, "wait until NTP has slewed it right")
    if answer:
        return Check("machine", "clock", "done", f"{answer}; {drift}")
    if said is None:
        found = f"{drift}; the kernel does not say whether anybody keeps it right"
        return Check("machine", "clock", "ask", found, "say who does with --clock, or in check:")
    if not said.synchronised:
        found = f"not synchronised; {drift}"
        next_ = "start chrony or ntpd, or say with --clock who sets it (a hypervisor, say)"
        return Check("machine", "clock", "missing", found, next_)
    found = f"synchronised within {_ms(said.max_error_s)}; {drift}"
    return Check("machine", "clock", "done", found)


def pacing_check(wire: str, calls_per_worker: int, machine: Machine) -> Check:
    """A few calls of this machine to itself, judged by the bounds of a run."""
    try:
        paced = machine.pace(wire, max(1, calls_per_worker))
    except OvlError as error:
        return Check("machine", "pacing", "missing", str(error), "run it again with -v")
    hearing = "" if paced.hearing_bias_s is None else f", hearing {_ms(paced.hearing_bias_s)} late"
    found = (
        f"{paced.calls} calls: frames p99 {_ms(paced.pacing_error_p99_s)} late, loop lag"
        f" {_ms(paced.loop_lag_p99_s)}, kept from running {paced.run_delay_share:.0%}{hearing}"
    )
    if not paced.limited_by:
        return Check("machine", "pacing", "done", found)
    state: State = "failed"
    reasons = ", ".join(reason.replace("_", " ") for reason in paced.limited_by)
    next_ = "free the processors of other work, or use another machine"
    return Check("machine", "pacing", state, f"too busy ({reasons}); {found}", next_)


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000, 1) + 0.0:.1f} ms"  # never -0.0
