"""This machine's clock: whether anybody keeps it right, and whether it moves by itself.

Spans of a target elsewhere carry that machine's time and ours carry this one's, so a clock that
nobody sets moves them apart, and one that is set in a jump moves spans within a run. The kernel
knows both; where it does not tell (macOS, some sandboxes), nothing is made up.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from otel_voiceload.model import NS_PER_S

_UNSYNCHRONISED: Final = 0x0040  # STA_UNSYNC of <sys/timex.h>
_NANOSECONDS: Final = 0x2000  # STA_NANO: the offset is in these and not in microseconds


@dataclass(frozen=True, slots=True)
class Discipline:
    """What the kernel says of its clock; ``max_error_s`` grows while nobody corrects it."""

    synchronised: bool
    offset_s: float
    max_error_s: float


class Timex(ctypes.Structure):
    """The kernel's ``struct timex`` as far as it is read here; the rest is room for it to fill."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def discipline(ask: Callable[[Timex], int] | None = None) -> Discipline | None:
    """What NTP or whoever sets this clock has told the kernel; None where it can not be known.

    Only reads: with no mode given, adjtimex(2) changes nothing and needs no privilege.
    """
    ask = ask or _kernel()
    found = Timex()
    if ask is None or ask(found) < 0:
        return None
    unit_s = 1e-9 if found.status & _NANOSECONDS else 1e-6
    return Discipline(
        synchronised=not found.status & _UNSYNCHRONISED,
        offset_s=found.offset * unit_s,
        max_error_s=found.maxerror * 1e-6,
    )


class Steps:
    """How far the wall clock has moved against the monotonic one since this was made.

    Slow corrections move both alike on Linux, so what is seen here is a clock that was set.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        mono: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall, self._mono = wall, mono
        self._began_mono_ns = mono()
        self._apart_ns = wall() - self._began_mono_ns

    def moved_s(self) -> float:
        return (self._wall() - self._mono() - self._apart_ns) / NS_PER_S

    def watched_s(self) -> float:
        return (self._mono() - self._began_mono_ns) / NS_PER_S


def _kernel() -> Callable[[Timex], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    return lambda found: int(adjtimex(ctypes.byref(found)))
