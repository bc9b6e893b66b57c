"""A measured agent and its calls in plain numbers, of which ``fitted`` makes a configuration.

Every report calculates with them and few are simulated, so they stand apart from the configuration,
which takes long to load.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class FittedPart:
    """One component; seconds per turn. ``turns_per_s`` infinite: no limit is known."""

    p50_s: float
    p95_s: float
    busy_s: float
    turns_per_s: float = inf
    refuses: bool = False  # a rate limit: beyond it requests are refused, not queued


@dataclass(frozen=True, slots=True)
class FittedCalls:
    """Seconds of a turn that are not the components', and the shape of a call."""

    cycle_s: float
    unloaded_s: float  # mean turn latency
    speech_s: float
    reply_s: float
    turns: float
    patience_s: float = 10.0
