"""What a plan file says, as plain values: most who plan or analyse have none and read none.

``declared`` reads the file; it needs pydantic and YAML, which take longer to load than a small run
takes to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Wire = Literal["plain", "twilio", "g711_rtp"]
Granted = Mapping[tuple[str, str], float]  # by service and key

# What may be declared, by service; ``streams`` are open all through a call, ``concurrent`` requests
# only while they work.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "stt": ("streams", "concurrent", "requests_per_minute"),
    "llm": ("concurrent", "requests_per_minute", "tokens_per_minute"),
    "tts": ("streams", "concurrent", "requests_per_minute"),
    "sip": ("channels", "calls_per_second"),
}


@dataclass(frozen=True, slots=True)
class PlanFile:
    """Only what is written. ``assumptions`` by name, ``call.turns`` and so on; lengths in seconds.

    The empty one is what everybody has who gave no file.
    """

    limits: Granted = field(default_factory=dict)
    assumptions: Mapping[str, float | str] = field(default_factory=dict)
