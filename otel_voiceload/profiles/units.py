"""Amounts of load as people write them: ``200``, ``5x``, ``80%``, ``5/s``.

Relative loads stay unresolved until what they are relative to is known: ``5x`` of the profile's
steady level, ``80%`` of a ceiling that an earlier phase measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from otel_voiceload.errors import UsageError

_LOAD = re.compile(r"(\d+(?:\.\d+)?)(x|%|/s)?")


@dataclass(frozen=True, slots=True)
class Load:
    """``of`` says what ``value`` is: calls held, times the steady level, a share of a ceiling, or
    calls begun per second."""

    value: float
    of: Literal["calls", "steady", "ceiling", "per_s"] = "calls"

    def calls(self, steady: float | None = None, ceiling: float | None = None) -> float:
        """Calls at once.

        Raises:
            UsageError: it is relative to something that is not known here, or no number of calls.
        """
        if self.of == "calls":
            return self.value
        if self.of == "per_s":
            raise UsageError(f"{self} is a rate of calls and no number of calls held")
        base = steady if self.of == "steady" else ceiling
        if base is None:
            missing = "steady level" if self.of == "steady" else "measured ceiling"
            raise UsageError(
                f"a load of {self} needs a {missing}, which is not known here; "
                "write the number of calls"
            )
        return self.value * base

    def __str__(self) -> str:
        if self.of == "ceiling":
            return f"{self.value * 100:g}%"
        if self.of == "per_s":
            return f"{self.value:g}/s"
        return f"{self.value:g}{'x' if self.of == 'steady' else ''}"


def parse_load(text: str) -> Load:
    """Raises UsageError when the text is no amount of load."""
    found = _LOAD.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no load; write calls as 200, 5x or 80%, or a rate as 5/s")
    value = float(found[1])
    match found[2]:
        case "x":
            return Load(value, "steady")
        case "%":
            return Load(value / 100, "ceiling")
        case "/s":
            return Load(value, "per_s")
        case _:
            return Load(value)


def spoken(seconds: float) -> str:
    """A length of time in about two digits: ``45 s``, ``3 min``, ``2.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{round(seconds / 3600, 1):g} h"
