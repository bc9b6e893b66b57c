"""What generator and target take of this machine, once a second, beside the load.

The runner looks, and not the workers: listing a thousand connections takes longer than a frame. A
target on this machine is found by the port that it listens on, or named with ``--target-pid``; one
elsewhere tells of itself in OTLP metrics, or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from otel_voiceload.load.resources import (
    Sampler,
    Watched,
    folder_bytes,
    listener,
    traffic_bytes,
)
from otel_voiceload.model import NS_PER_S, MachineUsage, Record
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.transports import split_target

EVERY_S = 1.0
STORE_EVERY = 10  # looks: a store may have many files


class UsageWatch:
    """Asked often, looks once a second."""

    def __init__(
        self,
        sampler: Sampler,
        traffic: Callable[[], tuple[int, int] | None],
        store_bytes: Callable[[], int],
    ) -> None:
        self._sampler = sampler
        self._traffic = traffic
        self._store_bytes = store_bytes
        self._at_mono_ns: int | None = None
        self._before: tuple[int, int] | None = None
        self._looks = 0

    def due(self, now_mono_ns: int) -> tuple[Record, ...]:
        """The second's figures; nothing before it is over."""
        before_ns = self._at_mono_ns
        if before_ns is not None and now_mono_ns - before_ns < EVERY_S * NS_PER_S:
            return ()
        self._at_mono_ns = now_mono_ns
        machine = self._machine(now_mono_ns, before_ns)
        self._looks += 1
        return (*self._sampler.look(now_mono_ns), machine)

    def _machine(self, now_ns: int, before_ns: int | None) -> MachineUsage:
        before, now = self._before, self._traffic()
        self._before = now
        sent = received = None
        if before is not None and now is not None and before_ns is not None:
            passed_s = (now_ns - before_ns) / NS_PER_S
            sent, received = ((b - a) / passed_s for a, b in zip(before, now, strict=True))
        store = self._store_bytes() if self._looks % STORE_EVERY == 0 else None
        return MachineUsage(now_ns, sent, received, store)


def watching(
    plan: RunPlan, workers: Mapping[str, int], collector_pid: int | None, store: Path | None
) -> UsageWatch:
    """For a run whose processes are up; ``workers`` are the fleet's by name."""
    watched = [Watched("generator", "runner", os.getpid())]
    watched += [Watched("generator", name, pid) for name, pid in workers.items()]
    if collector_pid is not None:
        watched.append(Watched("generator", "collector", collector_pid))
    targets = target_pids(plan)
    for number, pid in enumerate(targets):
        name = "target" if len(targets) == 1 else f"target-{number}"
        watched.append(Watched("target", name, pid))
    return UsageWatch(
        Sampler(watched),
        lambda: traffic_bytes(plan.local),
        lambda: 0 if store is None else folder_bytes(store),
    )


def target_pids(plan: RunPlan, find: Callable[[int], int | None] = listener) -> Sequence[int]:
    """Those named; else, on this machine, whoever listens on the target's port."""
    if plan.target_pids or not plan.local:
        return plan.target_pids
    place = urlsplit(split_target(plan.target).url)
    pid = find(place.port or (443 if place.scheme in ("wss", "https") else 80))
    return () if pid is None or pid == os.getpid() else (pid,)
