"""What a collector says of itself when it has ended in order: one JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def farewell(recording: str, counts: Mapping[str, Any], own_points: int) -> dict[str, Any]:
    """``counts`` as the ledger gives them. ``own_points``, the collector's own, are left out."""
    signals: dict[str, dict[str, Any]] = counts["signals"]
    refused: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for each in signals.values():
        refused.update(each["refused_requests"])
        rejected.update(each["reject_reasons"])

    def stored(signal: str) -> int:
        return int(signals[signal]["stored"]) if signal in signals else 0

    return {
        "event": "ended",
        "recording": recording,
        "spans": stored("traces"),
        "metric_points": max(0, stored("metrics") - own_points),
        "refused": dict(refused),
        "rejected": dict(rejected),
    }
