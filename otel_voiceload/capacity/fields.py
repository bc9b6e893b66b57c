"""Pydantic fields for what people write into files: lengths of time, and how far they spread.

Apart from what they hold, since who only calculates with it need not load pydantic.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from otel_voiceload.capacity.durations import parse_duration_s
from otel_voiceload.capacity.lognormal import Lognormal


def _seconds(value: object) -> float:
    if isinstance(value, (str, int, float)):
        return parse_duration_s(value)
    raise ValueError(f"{value!r} is not a length of time; write for example 500ms or 3s")


def _spread(value: object) -> Lognormal:
    if isinstance(value, Lognormal):
        drawn = value
    elif isinstance(value, dict) and set(value) == {"median", "p95"}:
        drawn = Lognormal(parse_duration_s(value["median"]), parse_duration_s(value["p95"]))
    else:
        raise ValueError("must be written as {median: 200ms, p95: 350ms}")
    if problems := drawn.problems():
        raise ValueError("; ".join(problems))
    return drawn


Seconds = Annotated[float, BeforeValidator(_seconds)]
"""Reads a written length of time and holds seconds."""

Spread = Annotated[Lognormal, BeforeValidator(_spread)]
"""Reads ``{median: 200ms, p95: 350ms}``."""
