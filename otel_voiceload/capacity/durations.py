"""Lengths of time as people write them in files: ``500ms``, ``10m``, ``1h30m``.

A bare number is seconds, so that YAML's ``retry_after: 1`` means what it looks like.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

_UNIT_S: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")


def parse_duration_s(text: str | int | float) -> float:
    """Seconds of a written length of time.

    Raises:
        ValueError: the text is no length of time, or it is negative.
    """
    if isinstance(text, bool):
        raise ValueError(f"{text} is not a length of time; write for example 500ms or 3s")
    if isinstance(text, (int, float)):
        if not 0 <= text < float("inf"):
            raise ValueError(f"{text} is not a length of time; it must be zero or more seconds")
        return float(text)
    words = str(text).strip().replace(" ", "")
    parts = _PART.findall(words)
    if not parts or "".join(number + unit for number, unit in parts) != words:
        raise ValueError(f"'{text}' is not a length of time; write for example 500ms, 3s or 1h30m")
    # 350 x 0.001 is not 0.35; nobody writes less than a nanosecond.
    return round(sum(float(number) * _UNIT_S[unit] for number, unit in parts), 9)


def _for_pydantic(value: object) -> float:
    if isinstance(value, (str, int, float)):
        return parse_duration_s(value)
    raise ValueError(f"{value!r} is not a length of time; write for example 500ms or 3s")


Seconds = Annotated[float, BeforeValidator(_for_pydantic)]
"""A pydantic field that reads a written length of time and holds seconds."""
