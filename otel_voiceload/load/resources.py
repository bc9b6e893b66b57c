"""What this machine has to give: memory, ports and open files, as a plan must know beforehand."""

from __future__ import annotations

from pathlib import Path

import psutil

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


def ephemeral_ports(file: Path = _PORT_RANGE) -> int:
    """How many connections to one address and port this machine can hold at once."""
    try:
        low, high = map(int, file.read_text("ascii").split())
    except (OSError, ValueError):
        return _USUAL_PORTS
    return max(0, high - low + 1)
