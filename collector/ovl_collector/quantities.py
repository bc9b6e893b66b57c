"""Sizes and spans of time as people write them: ``20GiB``, ``500MB``, ``7d``, ``90m``."""

from __future__ import annotations

import re
from typing import Final

from ovl_collector.errors import UsageError

_SIZES: Final = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_TIMES_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_size(text: str, option: str) -> int:
    """Bytes. Raises UsageError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if found is None or found[2] not in _SIZES:
        raise UsageError(f"{option} {text!r} is no size; write a number and a unit, such as 20GiB")
    return int(float(found[1]) * _SIZES[found[2]])


def parse_age(text: str, option: str) -> float:
    """Seconds. Raises UsageError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", text.lower())
    if found is None:
        raise UsageError(f"{option} {text!r} is no age; write a number and a unit, such as 7d")
    return float(found[1]) * _TIMES_S[found[2]]
