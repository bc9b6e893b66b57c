"""What would bend next if something were changed: by the law, and by playing it.

The law says where each known limit is met; the simulated ramp shows it with queues, retries and
chance, through the same analysis that judged the run. Its interval holds both: how well the limit
is known, and how well a ramp of this length shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, sqrt
from typing import Final

from otel_voiceload.analysis.changes import Change, apply
from otel_voiceload.analysis.inflection import Candidate
from otel_voiceload.analysis.rehearsal import Rehearsed, rehearse
from otel_voiceload.analysis.saturation import SERVED, Full, Model, Span
from otel_voiceload.capacity.fitted import fit
from otel_voiceload.capacity.measures import FittedCalls, FittedPart

MOST_SIMULATED: Final = 160  # expected calls; more are played at a smaller scale
_LEAST_PEAK: Final = 0.02  # of the limit: what is asked about is played when it is not far off
_MOST_PEAK: Final = 3.0
_SAME: Final = 0.15  # limits closer than this can change places


@dataclass(frozen=True, slots=True)
class Limit:
    """One component and where it is full. ``simulated`` False: by the law alone."""

    component: str
    calls: float
    ci: Span | None
    simulated: bool
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One model played. ``first`` holds several where they can not be told apart.

    ``carries``: bounds over what is known and unknown; ``peak``: turn p50 and p95 in seconds.
    """

    first: tuple[Limit, ...]
    carries: Span | None
    unknown: tuple[str, ...]
    peak: Span | None
    simulated_calls: int
    scale: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WhatIf:
    changes: tuple[str, ...]
    before: Outcome
    after: Outcome
    peak_calls: float | None
    deadline_s: float = inf  # no turn takes longer: callers hang up


def what_if(
    model: Model, calls: FittedCalls, changes: Sequence[Change], peak: float | None = None
) -> WhatIf | None:
    """Before and after; None when no limit is known, so that there is nothing to play.

    Raises UsageError for a change of something that nobody knows.
    """
    changed = apply(model, changes)
    if not model.fulls() and not changed.fulls():
        return None
    saved_s = changed.cycle_s - model.cycle_s
    quicker = replace(calls, cycle_s=changed.cycle_s, unloaded_s=calls.unloaded_s + saved_s)
    return WhatIf(
        changes=tuple(each.text for each in changes),
        before=play(model, calls, peak),
        after=play(changed, quicker, peak),
        peak_calls=peak,
        deadline_s=calls.patience_s,
    )


def play(model: Model, calls: FittedCalls, peak: float | None = None) -> Outcome:
    """One model under a simulated ramp around the first limit that is known."""
    fulls = model.fulls()
    waited_for = model.waited_for()
    served = [each for each in waited_for if each.component in SERVED]
    notes = model.notes
    if not served:
        return _by_law(fulls[:1], model, notes)
    expected = served[0].calls
    scale = max(1.0, expected / MOST_SIMULATED)
    config, callers = fit(_parts(model), calls, scale)
    asked = None
    if peak is not None and _LEAST_PEAK * expected <= peak <= _MOST_PEAK * expected:
        asked = peak / scale
    elif peak is not None:
        notes = (*notes, f"{peak:.0f} calls are too far from {expected:.0f} to be played")
    played = rehearse(config, callers, expected / scale, asked)
    found = played.found.components
    if found.status not in ("found", "ambiguous", "at_most"):
        reason = found.reason or f"nothing bent up to {found.tested_up_to or 0:.0f} calls"
        notes = (*notes, f"the simulated ramp can not tell ({reason}): by the law alone")
        return replace(_by_law(fulls, model, notes), peak=played.peak)
    first = tuple(_limit(each, waited_for, scale) for each in found.candidates)
    lowest = min(each.calls for each in first)
    outside = tuple(_of_law(each) for each in fulls if not _is_played(each) and each.calls < lowest)
    close = [
        each.component
        for each in fulls
        if each.component not in {one.component for one in first}
        and each.calls < lowest * (1 + _SAME)
    ]
    if close and not outside:
        names = " and ".join(close)
        notes = (*notes, f"{names} is full at nearly as many calls and may come first")
    # Turns wait for a component that is not played, and those that were played did not.
    waits = peak is not None and any(
        each.component not in SERVED and each.calls < peak for each in waited_for
    )
    return Outcome(
        first=outside[:1] or first,
        carries=_carries(model),
        unknown=model.unknown,
        peak=None if waits else played.peak,
        simulated_calls=played.calls_simulated,
        scale=scale,
        notes=_scaled(notes, scale, played),
    )


def _is_played(full: Full) -> bool:
    """Whether turns wait for it under the simulator, which knows no components of other names."""
    return full.cap.kind != "calls" and full.component in SERVED


def _parts(model: Model) -> dict[str, FittedPart]:
    """Each component with the rate at which its tightest limit is met."""
    parts = {}
    by_name = {each.component: each for each in model.waited_for()}
    for name, work in model.work.items():
        full = by_name.get(name)
        rate = inf if full is None else full.calls / model.cycle_s
        refuses = full is not None and full.cap.kind == "turns_per_s"
        parts[name] = FittedPart(work.p50_s, work.p95_s, work.busy_s, rate, refuses)
    return parts


def _limit(candidate: Candidate, fulls: Sequence[Full], scale: float) -> Limit:
    by_law = next((each for each in fulls if each.component == candidate.component), None)
    calls = (candidate.calls or candidate.onset_calls) * scale
    why = "simulated" if by_law is None else by_law.cap.why
    if by_law is None or by_law.ci is None or candidate.ci is None or not candidate.calls:
        return Limit(candidate.component, calls, None, True, why)
    # Independent errors: of the limit itself, and of the ramp that shows it.
    low = sqrt(_log(candidate.calls, candidate.ci[0]) ** 2 + _log(by_law.calls, by_law.ci[0]) ** 2)
    high = sqrt(_log(candidate.calls, candidate.ci[1]) ** 2 + _log(by_law.calls, by_law.ci[1]) ** 2)
    return Limit(candidate.component, calls, (calls * exp(-low), calls * exp(high)), True, why)


def _log(middle: float, end: float) -> float:
    """How far an end lies from the middle; the end of an open interval lies at nothing."""
    return abs(log(max(end, 0.01 * middle) / middle))


def _of_law(full: Full) -> Limit:
    return Limit(full.component, full.calls, full.ci, False, full.cap.why)


def _by_law(fulls: Sequence[Full], model: Model, notes: tuple[str, ...]) -> Outcome:
    first = tuple(_of_law(each) for each in fulls[:1])
    return Outcome(first, _carries(model), model.unknown, None, 0, 1.0, notes)


def _carries(model: Model) -> Span | None:
    """The law's bounds, which fixes go by as well: the simulated figure has its own interval.

    Where no level was seen to be carried it is at least nothing.
    """
    return replace(model, carried=model.carried or 0.0).carries() if model.fulls() else None


def _scaled(notes: tuple[str, ...], scale: float, played: Rehearsed) -> tuple[str, ...]:
    if scale == 1.0:
        return notes
    return (
        *notes,
        f"simulated with up to {played.calls_simulated} calls on as much less, times {scale:.3g}",
    )
