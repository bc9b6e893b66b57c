"""Headroom: what the found limits leave over the load that is expected.

The lower end of an interval is the number to plan with.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_voiceload.analysis.ceilings import Ceiling
from otel_voiceload.analysis.inflection import Finding


@dataclass(frozen=True, slots=True)
class Headroom:
    expected_peak: float | None
    calls: float | None
    ratio: float | None


def safe_calls(finding: Finding, *ceilings: Ceiling) -> float | None:
    """The lowest of the lower ends: what can be promised on this run's evidence."""
    ends = [
        each.ci[0] if each.ci is not None else each.calls
        for each in ceilings
        if each.calls is not None
    ]
    if finding.status in ("found", "at_most"):
        ends += [each.ci[0] for each in finding.candidates if each.ci is not None]
    elif finding.status == "not_reached" and finding.tested_up_to is not None:
        ends.append(finding.tested_up_to)
    known = [end for end in ends if end is not None]
    return min(known) if known else None


def headroom(expected_peak: float | None, safe: float | None) -> Headroom:
    """Calls to spare at the expected peak; negative when there are too few."""
    if expected_peak is None or safe is None or expected_peak <= 0:
        return Headroom(expected_peak, None, None)
    return Headroom(expected_peak, safe - expected_peak, safe / expected_peak - 1)
