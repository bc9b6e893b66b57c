"""The inflection: which component bent first and at how many calls, or why that can not be said.

One name is given only when one candidate is left; otherwise all candidates are, each with its
evidence. A number is given only where both sides of it were seen. The whole turn is judged by the
same steps, also for targets that show nothing of their inside.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from otel_voiceload.analysis import cause as causes
from otel_voiceload.analysis import certainty as certainties
from otel_voiceload.analysis.bend import Bend, bend_of
from otel_voiceload.analysis.bend_evidence import beside, evidence_of, took, twins
from otel_voiceload.analysis.levels import Evidence
from otel_voiceload.analysis.onset import base_of
from otel_voiceload.analysis.recovery import Return, returned

Status = Literal["found", "at_most", "not_reached", "ambiguous", "cannot_tell", "unobserved"]

SERVED = ("stt", "llm", "tts", "endpointing", "tool", "text_aggregation")
UNATTRIBUTED = causes.UNATTRIBUTED
SATURATED_KAPPA = 0.5
SAME_ONSET = 1.30
CLEARLY_LARGER = 2.0
LATE = 2.0  # times its base: what is this slow at the top level is not "nothing bent"
THIN_TIMING = "component timing came with too few turns to compare levels"
UNEXPLAINED = "the turn bent, but no single component's own time explains it"
UNANSWERED = "most turns had no answer already at"  # so many calls
ONE_LEVEL = "only one level of load"
UNEVEN = "turns were slow now and then at"  # so many calls


@dataclass(frozen=True, slots=True)
class Candidate:
    component: str
    calls: float | None
    ci: tuple[float, float] | None
    certainty: str  # of the name and its being load, not of the number
    evidence: tuple[str, ...]
    cause: causes.Cause
    cause_evidence: tuple[str, ...]
    kappa: float
    onset_calls: float
    onset_ns: int
    standing: certainties.Standing = "weak"


@dataclass(frozen=True, slots=True)
class Finding:
    status: Status
    tested_up_to: float | None  # the level's number in the tables
    candidates: tuple[Candidate, ...] = ()
    repeat_level: float | None = None
    climb: tuple[float, float | None] | None = None
    reason: str = ""  # why no name or no number is given, one sentence


@dataclass(frozen=True, slots=True)
class Inflections:
    components: Finding
    turn: Finding
    bends: Mapping[str, Bend] = field(default_factory=dict)


def find(
    evidence: Evidence,
    grounds: causes.Grounds | None = None,
    seed: int = 1,
    timed: Collection[str] = (),
) -> Inflections:
    """Both findings. ``grounds`` is what is known of causes.

    ``timed`` are the components of which the run has any timing, enough to compare or not.
    """
    grounds = causes.Grounds() if grounds is None else grounds
    rng = np.random.default_rng(seed)
    names = evidence.components()
    bends = {}
    for name in ("turn", *names):
        bend = bend_of(evidence, name, rng, grounds)
        if bend is not None:
            bends[name] = bend
    turn = _finding(evidence, [bends["turn"]] if "turn" in bends else [], grounds)
    if turn.status == "not_reached":
        turn = _slow_again(evidence, turn) or _uneven(evidence, turn) or turn
    if not any(name in SERVED for name in names) and not _candidate(bends.get("network")):
        if any(name in SERVED for name in timed):
            components = Finding("cannot_tell", turn.tested_up_to, reason=THIN_TIMING)
        else:
            reason = "no component timing came with this run"
            components = Finding("unobserved", turn.tested_up_to, reason=reason)
    else:
        seen = [bend for name, bend in bends.items() if name != "turn"]
        found = _twins(evidence, seen, rng, grounds)
        bends |= {bend.component: bend for bend in found}
        seen = [bend for name, bend in bends.items() if name != "turn"]
        components = _finding(evidence, seen, grounds, found)
        if components.status == "not_reached" and turn.candidates:
            components = Finding(
                "cannot_tell", turn.tested_up_to, repeat_level=turn.repeat_level, reason=UNEXPLAINED
            )
        elif components.status == "not_reached":
            components = turn  # it may be slow at the top level, and no component alone
    return Inflections(components, turn, bends)


def _candidate(bend: Bend | None) -> bool:
    return bend is not None and bend.candidate


def _twins(
    evidence: Evidence, bends: Sequence[Bend], rng: np.random.Generator, grounds: causes.Grounds
) -> list[Bend]:
    """The bends of what was full together with the one that would be named alone."""
    named = _first(_explained([bend for bend in bends if bend.candidate]))
    if len(named) != 1:
        return []
    level = named[0].series[named[0].onset.index][0]
    made = (
        bend_of(evidence, name, rng, grounds, up_to=level)
        for name in twins(evidence, bends, named[0])
    )
    return [bend for bend in made if bend is not None and bend.candidate]


def _finding(
    evidence: Evidence,
    bends: Sequence[Bend],
    grounds: causes.Grounds,
    together: Sequence[Bend] = (),
) -> Finding:
    """``together`` are those of the bends that were full with the first, whatever parks more."""
    levels = [level for level, _ in evidence.series("turn")]
    if not levels:
        reason = "no level of load has enough turns to compare"
        if evidence.returned:  # the climb lies outside of a window
            reason = "no level but those that the load came back down to"
        return Finding("cannot_tell", None, reason=reason)
    tested = max(level.named for level in levels)
    first_level, first_point = evidence.series("turn")[0]
    if first_point.error_rate > 0.5:
        reason = f"{UNANSWERED} {_calls(first_level.named)}"
        return Finding("cannot_tell", tested, reason=reason)
    if len(levels) < 2:
        reason = f"{ONE_LEVEL}, {_calls(tested)}: there is nothing to compare it with"
        return Finding("cannot_tell", tested, reason=reason)
    apart = [bend for bend in bends if bend.candidate and bend not in together]
    remaining = [*_first(_explained(apart)), *together]
    if not remaining:
        return _late(bends, tested) or Finding("not_reached", tested)
    alone = len(remaining) == 1
    others = beside(bends, remaining)
    candidates = tuple(_describe(bend, grounds, others, alone=alone) for bend in remaining)
    status, repeat, reason = _judge(remaining)
    onset = min(bend.onset.calls for bend in remaining)
    full = [bend.knee.full_from for bend in remaining if bend.knee is not None]
    return Finding(status, tested, candidates, repeat, (onset, min(full, default=None)), reason)


def _late(bends: Sequence[Bend], tested: float) -> Finding | None:
    """What became slow at the top level alone: no higher one tells whether calls park in it."""
    slow = [
        (bend.series[-1][1].mean_s / bend.onset.base.mean_s, bend)
        for bend in bends
        if bend.onset.index == len(bend.series) - 1 and bend.onset.base.mean_s > 0
    ]
    growth, bend = max(slow, key=lambda each: each[0], default=(0.0, None))
    if bend is None or growth < LATE:
        return None
    top_s = bend.series[-1][1].mean_s
    reason = (
        f"{_named(bend.component)} took {took(top_s)} at the highest level, {tested:.0f} calls,"
        f" and {took(bend.onset.base.mean_s)} before"
    )
    if bend.back is not None and bend.back.recovered:
        return Finding("cannot_tell", tested, reason=f"{reason}; more calls would tell its limit")
    before = bend.series[-2][0].asked
    reason += f"; no higher level and no repeated one tells load from time: repeat {before:.0f}"
    return Finding("cannot_tell", tested, repeat_level=before, reason=f"{reason} calls, or go on")


def _slow_again(evidence: Evidence, turn: Finding) -> Finding | None:
    """Slower when the load was back than on the way up, though nothing bent: a leak, or damage."""
    for name in (*evidence.components(), "turn"):
        series = evidence.series(name)
        back = returned(evidence, name, len(series))
        if back is not None and not back.recovered:
            reason = f"{_named(name)} was {_still_slow(back)}"
            return replace(turn, status="cannot_tell", reason=reason)
    return None


def _uneven(evidence: Evidence, turn: Finding) -> Finding | None:
    """Slow at the highest level, and well in between: capacity that came late does so."""
    series = evidence.series("turn")
    if len(series) < 3:
        return None
    base_s, top = base_of(series, len(series) - 1).mean_s, series[-1][1]
    if top.mean_s < LATE * base_s:
        return None
    reason = (
        f"{UNEVEN} {_calls(turn.tested_up_to or 0.0)}, the highest level:"
        f" {took(top.mean_s)} on average, and {took(base_s)} at the lowest"
    )
    return replace(turn, status="cannot_tell", reason=reason)


def _explained(candidates: Sequence[Bend]) -> list[Bend]:
    """What no component accounts for is named only where no component is."""
    named = [bend for bend in candidates if bend.component != UNATTRIBUTED]
    return named or list(candidates)


def _first(candidates: Sequence[Bend]) -> list[Bend]:
    """Those with the earliest onset; one alone when it parks far more of the extra calls."""
    if not candidates:
        return []
    earliest = min(bend.series[bend.onset.index][0].calls for bend in candidates)
    together = sorted(
        (
            bend
            for bend in candidates
            if bend.series[bend.onset.index][0].calls <= SAME_ONSET * earliest
        ),
        key=lambda bend: -bend.onset.kappa,
    )
    if len(together) > 1 and (
        together[0].onset.kappa >= CLEARLY_LARGER * together[1].onset.kappa
        and together[0].onset.kappa >= SATURATED_KAPPA
    ):
        return together[:1]
    return together


def _judge(remaining: Sequence[Bend]) -> tuple[Status, float | None, str]:
    bend = remaining[0]
    before = bend.series[bend.onset.index - 1][0].asked
    still_slow = next((b.back for b in remaining if b.back and not b.back.recovered), None)
    if still_slow is not None:
        return "cannot_tell", still_slow.asked, _still_slow(still_slow)
    if len(remaining) > 1:
        names = ", ".join(bend.component for bend in remaining)
        return "ambiguous", None, f"{names} bent together; one name would be a guess"
    if bend.full_at_first:
        return "at_most", None, f"full already at the lowest level, {bend.series[0][0].named:.0f}"
    if bend.knee is None:
        return "cannot_tell", before, "too few turns below the onset to know the turn cycle"
    unclear = bend.onset.kappa < SATURATED_KAPPA and not bend.onset.failing
    if bend.back is None and (unclear or bend.knee.still_rising):
        reason = (
            f"it slowed down late, and no earlier level was repeated to tell load from time:"
            f" repeat {before:.0f} calls"
        )
        return "cannot_tell", before, reason
    return "found", None, ""


def _describe(
    bend: Bend, grounds: causes.Grounds, others: Sequence[str], *, alone: bool
) -> Candidate:
    onset, knee = bend.onset, bend.knee
    level, _ = bend.series[onset.index]
    _, worst = max(bend.series[onset.index :], key=lambda each: each[1].mean_s)
    low = bend.series[0][0].calls
    calls = None if knee is None else min(knee.calls, low) if bend.full_at_first else knee.calls
    ci = None if knee is None else (0.0, low) if bend.full_at_first else (knee.low, knee.high)
    well, bent = (
        {number for level, _ in part for number in level.numbers}
        for part in (bend.series[: onset.index], bend.series[onset.index :])
    )
    cause, cause_evidence = causes.explain(bend.component, knee, grounds, well, bent)
    standing = certainties.standing(
        saturated=onset.kappa >= SATURATED_KAPPA,
        recovered=bend.back is not None and bend.back.recovered,
        alone=alone,
    )
    return Candidate(
        component=bend.component,
        calls=calls,
        ci=ci,
        certainty=certainties.wording(standing, whole_turn=bend.component == "turn"),
        standing=standing,
        evidence=(*evidence_of(bend, worst), *others),
        cause=cause,
        cause_evidence=cause_evidence,
        kappa=onset.kappa,
        onset_calls=onset.calls,
        onset_ns=level.start_ns,
    )


def _calls(count: float) -> str:
    return "1 call" if count == 1 else f"{count:.0f} calls"


def _named(component: str) -> str:
    return "the turn" if component == "turn" else component


def _still_slow(back: Return) -> str:
    return (
        f"still slow when the load was back at {_calls(back.asked)} ({took(back.before_s)} before,"
        f" {took(back.after_s)} after): time or damage, not the load of the moment"
    )
