"""Fixes in order: what relieving each component would buy, in calls and at the expected peak.

With every limit measured or declared this is arithmetic. Where some are unknown it is bounds, and
said as bounds: past the first limit only what was actually carried is known, since the first one
kept the load away from the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from otel_voiceload.analysis.inflection import Candidate, Finding
from otel_voiceload.analysis.saturation import Full, Model, Span

Basis = Literal["limits", "bounds"]


@dataclass(frozen=True, slots=True)
class AtPeak:
    """Mean turn latency at the expected peak in seconds; ``after_s`` from best to worst.

    No turn takes longer than ``deadline_s``: nobody waits on. None where nobody told.
    """

    calls: float
    now_s: float
    after_s: Span
    deadline_s: float | None = None

    @property
    def saves_ms(self) -> Span:
        """The least and the most that the fix saves per turn."""
        best, worst = self.after_s
        return max(0.0, self.now_s - worst) * 1000, max(0.0, self.now_s - best) * 1000


@dataclass(frozen=True, slots=True)
class Fix:
    """``ci``: calls carried afterwards. ``ceiling_after`` None: only the bounds are known."""

    component: str
    action: str
    ceiling_after: float | None
    ci: Span | None
    next_bottleneck: str | None
    basis: Basis
    why: str = ""  # what the bounds rest on
    at_peak: AtPeak | None = None


def in_order(
    finding: Finding, model: Model | None, peak: float | None = None, now_s: float | None = None
) -> tuple[Fix, ...]:
    """What to relieve, the first one first. Nothing where nothing bent and nothing is declared.

    ``now_s`` is the mean turn latency measured at the expected peak, where a level was held there.
    """
    if finding.status == "ambiguous":
        return tuple(_one_of_several(each) for each in finding.candidates)
    named = finding.status in ("found", "at_most")
    causes = {each.component: each for each in finding.candidates} if named else {}
    fulls = () if model is None else model.fulls()
    if model is None or not fulls or (finding.status == "at_most"):
        return tuple(_blind(each) for each in causes.values())
    made: list[Fix] = []
    waits = next((each for each in fulls if _makes_wait(each)), None)
    for place, full in enumerate(fulls):
        if peak is not None and (full.ci[0] if full.ci else full.calls) >= peak:
            break  # it carries the peak as it is, and so do those behind it
        fix = _fix(place, fulls, model, causes.get(full.component), peak)
        if peak is not None and _makes_wait(full):
            fix = _with_peak(fix, full, model, peak, now_s if full is waits else None)
        made.append(fix)
        if fix.basis == "bounds" or (peak and fix.ci is not None and fix.ci[0] >= peak):
            break  # nothing is known beyond, or nobody needs it
    return tuple(made)


def _fix(
    place: int, fulls: Sequence[Full], model: Model, cause: Candidate | None, peak: float | None
) -> Fix:
    full = fulls[place]
    name = full.component
    own = full.ci or (full.calls, full.calls)
    following = fulls[place + 1] if place + 1 < len(fulls) else None
    if name == "unattributed":
        return _blind_action(name)
    if following is None:
        twice = (2 * own[0], 2 * own[1])
        if model.unknown:
            return Fix(
                name, f"{_more(name, cause)}, twice as much", None, _bounds(model, own, twice),
                None, "bounds", _because(model),
            )  # fmt: skip
        return Fix(
            name, f"{_more(name, cause)}, twice as much", 2 * full.calls, twice, name, "limits"
        )
    factor = following.calls / full.calls
    action = f"{_more(name, cause)}, {_times(factor)} as much{_servers(full, factor)}"
    if peak is not None and own[0] < peak < following.calls:
        action += f", {_times(peak / own[0])} for {peak:,.0f} calls"
    after = following.ci or (following.calls, following.calls)
    if model.unknown:
        bounds = _bounds(model, own, after)
        return Fix(name, action, None, bounds, None, "bounds", _because(model))
    return Fix(name, action, following.calls, after, following.component, "limits")


def _bounds(model: Model, own: Span, after: Span) -> Span:
    """What is carried for certain: what was carried already; as ``Model.carries`` has it."""
    low = own[0] if model.carried is None else min(model.carried, after[0])
    return low, after[1]


def _makes_wait(full: Full) -> bool:
    """What limits calls keeps them from beginning; the turns of those that begin do not wait."""
    return full.cap.kind != "calls"


def _with_peak(fix: Fix, full: Full, model: Model, peak: float, measured_s: float | None) -> Fix:
    if fix.ci is None:
        return fix
    now_s = measured_s
    if now_s is None:
        now_s = model.latency_s(peak, full.calls)
    low, high = fix.ci
    best_s = model.latency_s(peak, high)
    worst_s = now_s if fix.basis == "bounds" else min(now_s, model.latency_s(peak, low))
    deadline_s = model.patience_s if isfinite(model.patience_s) else None
    at_peak = AtPeak(peak, now_s, (min(best_s, worst_s), worst_s), deadline_s)
    return Fix(
        fix.component, fix.action, fix.ceiling_after, fix.ci, fix.next_bottleneck, fix.basis,
        fix.why, at_peak,
    )  # fmt: skip


def _because(model: Model) -> str:
    """Why there are only bounds."""
    names = " and ".join(model.unknown)
    if model.carried is None:
        return f"the limit of {names} is not known"
    return f"{names} carried {model.carried:.0f} calls without bending and never met more"


def _more(name: str, cause: Candidate | None) -> str:
    if cause is not None and cause.cause == "provider_limit":
        return f"raise the provider's limit for {name}, or spread {name} over more than one"
    return f"give {name} more capacity"


def _times(factor: float) -> str:
    return f"{factor:,.0f} times" if factor >= 10 else f"{factor:.2g} times"


def _servers(full: Full, factor: float) -> str:
    if full.cap.kind != "servers":
        return ""
    now, then = full.cap.value, full.cap.value * factor
    return f" ({_requests(now)} to {_requests(then)} requests at once)"


def _requests(count: float) -> str:
    return f"{count:,.0f}" if count >= 100 else f"{count:.3g}"


def _blind(candidate: Candidate) -> Fix:
    """Of a component that was full from the first level on, nothing is known but its name."""
    name = candidate.component
    if name == "unattributed":
        return _blind_action(name)
    return Fix(name, _more(name, candidate), None, None, None, "bounds")


def _blind_action(name: str) -> Fix:
    action = "look inside the agent's own process: no component's timing explains this time"
    return Fix(name, action, None, None, None, "bounds")


def _one_of_several(candidate: Candidate) -> Fix:
    fix = _blind(candidate)
    action = f"{fix.action} (one of several that bent together)"
    return Fix(fix.component, action, None, None, None, "bounds")
