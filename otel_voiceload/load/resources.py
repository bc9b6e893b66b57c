"""What this machine has to give, and what the processes of a run take of it.

psutil and not files of our own reading, because half of those do not exist on macOS.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from otel_voiceload.model import NS_PER_S, Usage

SOCKETS_EVERY: Final = 5  # looks: a list of a thousand connections takes twenty milliseconds
PEERS: Final = 8  # as many points a second as that, for each process
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_PORTS = 16_384  # the range of RFC 6335, which systems without that file use
_CGROUP = Path("/sys/fs/cgroup")


def available_memory_bytes(cgroup: Path = _CGROUP) -> int:
    """Memory that can be had without swapping, within the limit of a container if there is one."""
    free = int(psutil.virtual_memory().available)
    try:
        most = (cgroup / "memory.max").read_text("ascii").strip()
        used = int((cgroup / "memory.current").read_text("ascii"))
        return free if most == "max" else max(0, min(free, int(most) - used))
    except (OSError, ValueError):  # no container, or one of the older kind
        return free


def memory_bytes(cgroup: Path = _CGROUP) -> int:
    """All memory of this machine, or of the container if that has less."""
    whole = int(psutil.virtual_memory().total)
    try:
        most = (cgroup / "memory.max").read_text("ascii").strip()
        return whole if most == "max" else min(whole, int(most))
    except (OSError, ValueError):
        return whole


def usable_cores() -> int:
    """Cores that this process may run on: a pinned one has fewer than its machine."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ephemeral_ports(file: Path = _PORT_RANGE) -> int:
    """How many connections to one address and port this machine can hold at once."""
    try:
        low, high = map(int, file.read_text("ascii").split())
    except (OSError, ValueError):
        return _USUAL_PORTS
    return max(0, high - low + 1)


@dataclass(frozen=True, slots=True)
class Watched:
    """A process to sample. ``role`` is generator or target; ``process`` its name among these."""

    role: str
    process: str
    pid: int


class Sampler:
    """Looks at processes, about once a second, from outside: nothing of it runs in a pacing loop.

    A process that is gone, or that may not be looked at, is passed over.
    """

    def __init__(
        self, watched: Iterable[Watched], open_: Callable[[int], psutil.Process] = psutil.Process
    ) -> None:
        self._processes: list[tuple[Watched, psutil.Process]] = []
        self._before: dict[int, tuple[int, float]] = {}  # pid -> when, and CPU seconds by then
        self._sockets: dict[int, Mapping[str, int]] = {}
        self._looks = 0
        for each in watched:
            with contextlib.suppress(psutil.Error):
                self._processes.append((each, open_(each.pid)))

    def look(self, at_mono_ns: int) -> tuple[Usage, ...]:
        """What each took since the last look; a process is told of from its second look on."""
        with_sockets = self._looks % SOCKETS_EVERY == 0
        self._looks += 1
        found = []
        for watched, process in self._processes:
            with contextlib.suppress(psutil.Error, OSError):
                if (usage := self._look_at(watched, process, at_mono_ns, with_sockets)) is not None:
                    found.append(usage)
        return tuple(found)

    def _look_at(
        self, watched: Watched, process: psutil.Process, at_mono_ns: int, with_sockets: bool
    ) -> Usage | None:
        with process.oneshot():
            times, memory = process.cpu_times(), process.memory_info()
            fds, threads = process.num_fds(), process.num_threads()
        cpu_s = times.user + times.system
        if with_sockets:
            self._sockets[watched.pid] = peers(process)
        before = self._before.get(watched.pid)
        self._before[watched.pid] = at_mono_ns, cpu_s
        if before is None or at_mono_ns <= before[0]:
            return None
        return Usage(
            role=watched.role,
            process=watched.process,
            pid=watched.pid,
            at_mono_ns=at_mono_ns,
            cpu=max(0.0, cpu_s - before[1]) * NS_PER_S / (at_mono_ns - before[0]),
            rss_bytes=int(memory.rss),
            fds=fds,
            threads=threads,
            sockets=self._sockets.get(watched.pid, {}),
            fds_limit=most_files(process),
        )


def most_files(process: psutil.Process) -> int | None:
    """How many files a process may open; None: no limit, or one that may not be seen."""
    try:
        soft, _ = process.rlimit(psutil.RLIMIT_NOFILE)
    except (psutil.Error, OSError, AttributeError):  # macOS shows no limits of others
        return None
    return None if soft == psutil.RLIM_INFINITY else int(soft)


def free_disk_bytes(place: Path) -> int | None:
    """Free where a folder is, or where it would be made."""
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def peers(process: psutil.Process) -> Mapping[str, int]:
    """Connections of a process by the other end's address; the most used ones."""
    with contextlib.suppress(psutil.Error):
        ends = Counter(
            # A port below our own is one that was called, and says who is there.
            f"{end.raddr.ip}:{end.raddr.port}"
            if end.laddr and end.laddr.port > end.raddr.port
            else end.raddr.ip
            for end in process.net_connections("tcp")
            if end.raddr
        )
        return dict(ends.most_common(PEERS))
    return {}


def listener(port: int) -> int | None:
    """The process of this machine that listens on a port; None when it may not be known."""
    try:
        for end in psutil.net_connections("tcp"):
            if end.laddr and end.laddr.port == port and end.status == psutil.CONN_LISTEN:
                return end.pid
    except (psutil.Error, OSError):
        pass
    return None


def folder_bytes(folder: Path) -> int:
    """Size of all files below a folder; files that go away meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total
