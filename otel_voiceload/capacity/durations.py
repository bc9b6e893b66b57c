"""Lengths of time as people write them, in files and in a shell: ``500ms``, ``10m``, ``1h30m``.

A bare number is seconds, so that YAML's ``retry_after: 1`` means what it looks like.
"""

from __future__ import annotations

import re
from typing import Final

from otel_voiceload.errors import UsageError

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


def duration_s(text: str) -> float:
    """Seconds of what stands on a command line; a bare number is seconds, as in files.

    Raises:
        UsageError: the text is no length of time.
    """
    bare = re.fullmatch(r"\d+(\.\d+)?", text.strip())
    try:
        return parse_duration_s(float(bare[0]) if bare else text)
    except ValueError as error:
        raise UsageError(str(error)) from None
