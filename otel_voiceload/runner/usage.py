"""What generator and target take of this machine, once a second, beside the load.

The runner looks, and not the workers: listing a thousand connections takes longer than a frame. A
target on this machine is found by the port that it listens on, or named with ``--target-pid``; one
elsewhere tells of itself in OTLP metrics, or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from otel_voiceload.load.resources import (
    Sampler,
    Watched,
    available_memory_bytes,
    folder_bytes,
    free_disk_bytes,
    listener,
)
from otel_voiceload.model import NS_PER_S, MachineUsage, Record
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.transports import split_target

EVERY_S = 1.0
STORE_EVERY = 10  # looks: a store may have many files
Free = tuple[int | None, int | None]  # bytes of memory, and of disk where the store lies


class UsageWatch:
    """Asked often, looks once a second."""

    def __init__(
        self,
        sampler: Sampler,
        store_bytes: Callable[[], int],
        free: Callable[[], Free] = lambda: (None, None),
    ) -> None:
        self._sampler = sampler
        self._free = free
        self._store_bytes = store_bytes
        self._at_mono_ns: int | None = None
        self._looks = 0

    def due(
        self, now_mono_ns: int, traffic: tuple[float, float] | None = None
    ) -> tuple[Record, ...]:
        """The second's figures; nothing before it is over.

        ``traffic``: bytes per second that the calls sent and received, by their own counts: those
        of an interface would hold everybody's, and on loopback each byte twice.
        """
        before_ns = self._at_mono_ns
        if before_ns is not None and now_mono_ns - before_ns < EVERY_S * NS_PER_S:
            return ()
        self._at_mono_ns = now_mono_ns
        store = self._store_bytes() if self._looks % STORE_EVERY == 0 else None
        self._looks += 1
        sent, received = (None, None) if traffic is None else traffic
        machine = MachineUsage(now_mono_ns, sent, received, store)
        memory, disk = self._free()
        machine = replace(machine, memory_free_bytes=memory, disk_free_bytes=disk)
        return (*self._sampler.look(now_mono_ns), machine)


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
        lambda: 0 if store is None else folder_bytes(store),
        lambda: (available_memory_bytes(), None if store is None else free_disk_bytes(store)),
    )


def target_pids(plan: RunPlan, find: Callable[[int], int | None] = listener) -> Sequence[int]:
    """Those named; else, on this machine, whoever listens on the target's port."""
    if plan.target_pids or not plan.local:
        return plan.target_pids
    place = urlsplit(split_target(plan.target).url)
    pid = find(place.port or (443 if place.scheme in ("wss", "https") else 80))
    return () if pid is None or pid == os.getpid() else (pid,)
