"""Why a component is full, as far as its own spans tell; mostly they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from otel_voiceload.analysis.knee import Knee

Cause = Literal["provider_limit", "provider_slow", "own_cpu", "own_memory", "pool", "unknown"]

LIMIT_ERRORS = ("rate_limited", "429", "too_many_requests", "resource_exhausted", "quota")


def explain(
    component: str, failures: Mapping[str, int], knee: Knee | None
) -> tuple[Cause, tuple[str, ...]]:
    """The cause and its evidence; ``failures`` counts the attempts that failed by error type."""
    refused = {
        kind: count
        for kind, count in failures.items()
        if any(word in kind.lower() for word in LIMIT_ERRORS)
    }
    if refused:
        total = sum(refused.values())
        kinds = ", ".join(sorted(refused))
        return "provider_limit", (f"{total} attempts of {component} were refused ({kinds})",)
    if knee is None:
        return "unknown", ()
    return "unknown", (f"no refusals were recorded; it levels off at {knee.rate:.1f} turns/s",)
