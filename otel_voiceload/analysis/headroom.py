"""Headroom and fixes: what the found limits mean for the load that is expected.

The lower end of an interval is the number to plan with. What a fix would buy is said as bounds:
below saturation latency does not tell how many servers a component has (measured: fitted numbers
were off by half), so past the first limit only what was actually carried is known.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_voiceload.analysis.ceilings import Ceiling
from otel_voiceload.analysis.inflection import Candidate, Finding


@dataclass(frozen=True, slots=True)
class Headroom:
    expected_peak: float | None
    calls: float | None
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Fix:
    component: str
    action: str
    ci: tuple[float, float] | None  # calls carried afterwards: bounds, no prediction


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


def fixes(finding: Finding) -> tuple[Fix, ...]:
    """What to relieve, in order. Only a named component gets a bound."""
    if finding.status not in ("found", "ambiguous", "at_most"):
        return ()
    return tuple(_fix(each, finding.status == "ambiguous") for each in finding.candidates)


def _fix(candidate: Candidate, one_of_several: bool) -> Fix:
    name = candidate.component
    if name == "unattributed":
        action = "look inside the agent's own process: no component's timing explains this time"
    elif candidate.cause == "provider_limit":
        action = f"raise the provider's limit for {name}, or spread {name} over more than one"
    else:
        action = f"give {name} more capacity"
    if one_of_several:
        action += " (one of several that bent together)"
    if one_of_several or candidate.ci is None or name == "unattributed":
        return Fix(name, action, None)
    # A full component of twice the size carries between as many calls as before and twice as many,
    # until another one is full; which one that is, this run could not load enough to see.
    low, high = candidate.ci
    return Fix(
        name, f"{action}; twice as much carries {low:.0f} to {2 * high:.0f}", (low, 2 * high)
    )
