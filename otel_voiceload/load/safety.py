"""What keeps a load from going where it should not, or from starting where it can not hold.

A load generator is a weapon when its target is a typing error. So nothing but this machine is
called unless it was allowed, and the check is on the addresses of every single connection, not on
the name: a name may resolve to something else a moment later.
"""

from __future__ import annotations

import ipaddress
import math
import resource
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from otel_voiceload.errors import PreflightFailed, TargetError, TargetRefused, UsageError

TYPED_TARGET_CALLS = 10  # more calls than this go to another host only with --allow
_BASE_DESCRIPTORS = 100  # interpreter, pipes, event loop, clips, exporter
_DESCRIPTORS_PER_CALL = 1.25  # one socket, and a quarter for calls that close while others begin

# A held call took 84 kB of a worker's own memory (140 calls more, 12 MB more), and the kernel keeps
# buffers for its socket; half as much again for long conversations.
MEMORY_PER_CALL_BYTES = 150_000
_MEMORY_PER_WORKER_BYTES = 90_000_000  # interpreter, numpy, the clip pack
# Runner, telemetry with a full backlog, and the collector with a segment under way.
_MEMORY_BESIDE_BYTES = 500_000_000

Resolve = Callable[[str], Iterable[str]]
Limits = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AllowList:
    """Called with every resolved address before it is connected to.

    Addresses are pinned when the list is made. For a target whose addresses rotate, allow their
    network: ``--allow 203.0.113.0/24``. ``hint`` says what would permit more.
    """

    networks: tuple[str, ...] = ()
    hint: str = "--allow HOST permits another host"

    def __call__(self, address: str) -> None:
        """Raises TargetRefused when the address is not allowed."""
        parsed = _parsed(address)
        if parsed.is_loopback:
            return
        for network in map(ipaddress.ip_network, self.networks):
            if parsed.version == network.version and parsed in network:
                return
        raise TargetRefused(
            f"{parsed} is not on this machine and not allowed, nothing was sent to it; {self.hint}"
        )


def is_address(text: str) -> bool:
    """Whether it is written as an address, so that no name service is asked for it."""
    try:
        _parsed(text)
    except ValueError:
        return False
    return True


def resolve(host: str) -> tuple[str, ...]:
    """Addresses of a host; raises TargetError when it has none."""
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TargetError(
            f"{host} can not be resolved: {getattr(error, 'strerror', None) or error}; "
            "check the name"
        ) from None
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


def allow_list(
    target_host: str, calls: int, allowed: Iterable[str], resolve_: Resolve = resolve
) -> AllowList:
    """What this run may connect to.

    Loopback always; the target that was typed when the run holds few calls; and every host,
    address or network that was allowed by name.

    Raises:
        TargetError: a host that was allowed does not resolve.
    """
    networks: list[str] = []
    for host in allowed:
        try:
            networks.append(str(ipaddress.ip_network(host, strict=False)))
        except ValueError:
            networks += map(_network, resolve_(host))
    if calls <= TYPED_TARGET_CALLS:
        networks += map(_network, resolve_(target_host))
        return AllowList(tuple(dict.fromkeys(networks)))
    return AllowList(
        tuple(dict.fromkeys(networks)),
        f"{calls} calls are more than the {TYPED_TARGET_CALLS} that a typed target gets; "
        f"--allow {target_host} permits it",
    )


def check_target(target_host: str, allow: AllowList, resolve_: Resolve = resolve) -> None:
    """Raises TargetRefused when the target's addresses are not allowed, before any call."""
    for address in resolve_(target_host):
        allow(address)


def check_calls(peak_calls: int, max_calls: int) -> None:
    """Raises UsageError when the plan asks for more calls at once than the user permits."""
    if peak_calls > max_calls:
        raise UsageError(
            f"the plan holds up to {peak_calls} calls and the limit is {max_calls}; "
            f"use fewer calls or --max-calls {peak_calls}"
        )


def descriptors_needed(calls_per_process: int) -> int:
    return _BASE_DESCRIPTORS + math.ceil(calls_per_process * _DESCRIPTORS_PER_CALL)


def ensure_descriptors(
    needed: int,
    read: Callable[[], Limits] = lambda: resource.getrlimit(resource.RLIMIT_NOFILE),
    write: Callable[[Limits], None] = lambda limits: resource.setrlimit(
        resource.RLIMIT_NOFILE, limits
    ),
) -> None:
    """Raise the soft limit of open files as far as the plan needs; children inherit it.

    Raises:
        PreflightFailed: the hard limit is lower than that.
    """
    soft, hard = read()
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise _too_few(needed, hard)
    try:
        write((needed, hard))
    except (OSError, ValueError):  # macOS has a further limit that getrlimit does not tell
        raise _too_few(needed, soft) from None


def ensure_ports(calls: int, available: int) -> None:
    """Raises PreflightFailed when one address can not be called that often at once from here.

    A connection is told from another by its local port, so to one address and port there are as
    many as this machine has ephemeral ports.
    """
    if calls > available:
        raise PreflightFailed(
            f"{calls} calls to one address need as many local ports and this machine has "
            f"{available}; widen net.ipv4.ip_local_port_range or use fewer calls"
        )


def memory_needed_bytes(calls: int, workers: int) -> int:
    """What the generator's processes take at most, the target's left out."""
    return calls * MEMORY_PER_CALL_BYTES + workers * _MEMORY_PER_WORKER_BYTES + _MEMORY_BESIDE_BYTES


def ensure_memory(needed: int, available: int) -> None:
    """Raises PreflightFailed when the load would push this machine into its swap."""
    if needed > available:
        raise PreflightFailed(
            f"this plan needs {needed / 1e6:,.0f} MB of memory here and {available / 1e6:,.0f} MB "
            "are free; free some, or use fewer calls"
        )


def _too_few(needed: int, limit: int) -> PreflightFailed:
    return PreflightFailed(
        f"this plan needs {needed} open files per process and the limit is {limit}; "
        f"raise it (ulimit -n {needed}), use fewer calls, or more --processes"
    )


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    # ::ffff:203.0.113.5 reaches the same host as 203.0.113.5, so it is judged as that.
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _network(address: str) -> str:
    return str(ipaddress.ip_network(_parsed(address)))
