"""Reaching a host: names resolved, addresses checked, TCP connected, each step timed.

The addresses are resolved here once and the socket is connected to one of exactly those, so a name
that resolves to something else a moment later can not slip past the check.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from otel_voiceload.errors import WireError
from otel_voiceload.model import NS_PER_S, ConnectStep

Clock = Callable[[], int]

# These say that this machine is full, not that the target is at fault.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class Reached:
    """A connected, non-blocking socket and how it came about."""

    sock: socket.socket
    address: str
    port: int
    steps: tuple[ConnectStep, ...]


async def reach(
    host: str, port: int, allow: Callable[[str], None], deadline_mono_ns: int, clock: Clock
) -> Reached:
    """Resolve, check every address, connect to the first that answers.

    Raises:
        TargetRefused: from ``allow``, for any of the addresses; nothing was sent then.
        WireError: dns, unreachable, or this machine's own limits.
    """
    found = await _resolve(host, port, deadline_mono_ns, clock)
    resolved = ConnectStep("dns", clock())
    for _, address in found:
        allow(address[0])
    failure: OSError | TimeoutError | None = None
    for index, (family, address) in enumerate(found):
        # An address that swallows packets must leave time for the next one.
        share_s = _left_s(deadline_mono_ns, clock) / (len(found) - index)
        try:
            sock = await _connect(family, address, share_s)
        except (OSError, TimeoutError) as error:
            failure = error
            if error.errno in _OURS:
                break
            continue
        return Reached(sock, address[0], port, (resolved, ConnectStep("tcp", clock())))
    raise _unreached(host, port, failure)


def _left_s(deadline_mono_ns: int, clock: Clock) -> float:
    return max(0.001, (deadline_mono_ns - clock()) / NS_PER_S)


_Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


async def _resolve(host: str, port: int, deadline_mono_ns: int, clock: Clock) -> list[_Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_left_s(deadline_mono_ns, clock)):
            answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        _no_name(host, "the name service did not answer in time")
    except (OSError, UnicodeError) as error:
        _no_name(host, getattr(error, "strerror", None) or str(error))
    found: dict[_Address, None] = {}  # a set that keeps the resolver's order
    for family, _, _, _, address in answers:
        if family in (socket.AF_INET, socket.AF_INET6):
            found[(family, address)] = None  # type: ignore[index]  # wider type for other families
    if not found:
        _no_name(host, "it has no IP address")
    return list(found)


def _no_name(host: str, why: str) -> NoReturn:
    raise WireError(
        f"{host} can not be resolved: {why}; check the target's name",
        outcome="negotiation_failed",
        error_type="dns",
    ) from None


async def _connect(
    family: socket.AddressFamily,
    address: tuple[str, int] | tuple[str, int, int, int],
    wait_s: float,
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(wait_s):
            await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _unreached(host: str, port: int, failure: OSError | None) -> WireError:
    if failure is not None and failure.errno in _OURS:
        return WireError(
            f"this machine could not open another connection to {host}:{port}: "
            f"{failure.strerror}; raise the limit (ulimit -n) or use fewer calls",
            outcome="aborted_by_us",
            error_type="local_resources",
        )
    why = (failure.strerror if failure else None) or "no answer in time"
    return WireError(
        f"{host}:{port} can not be reached: {why}; check that the agent listens there",
        outcome="refused",
        error_type="unreachable",
    )


def deadline(timeout_s: float, clock: Clock = time.monotonic_ns) -> int:
    return clock() + round(timeout_s * NS_PER_S)
