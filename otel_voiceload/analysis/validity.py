"""Whether a run is fit to be judged at all, and why not: the first thing a result says.

A load test that was itself the limit, or that lost what it measured, gives figures that look like
any others. So these are checked before anything else is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from otel_voiceload.analysis.offered import Offered, against

Validity = Literal["valid", "degraded", "inconclusive"]

LOST_SHARE = 0.05
FEW_TURNS = 30


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run's own soundness; None is "not recorded"."""

    turns: int
    calls: int
    levels: int
    levels_limited: int
    levels_thin: int
    shut_down: bool
    stop_reason: str | None
    spans_ended: int | None
    spans_stored: int
    spans_lost: Mapping[str, int]
    impossible_turns: int  # negative durations
    impossible_calls: int
    sources: Mapping[str, Sequence[str]]  # component -> where its timing came from
    notes: Sequence[str]  # of the reader: what could not be read
    losses: Sequence[str] = ()  # what was acknowledged and is not in this run's recordings
    untimed: Mapping[str, float] = field(default_factory=dict)  # component -> share of the turns
    spans_waiting: int = 0  # on the generator's disk, to be delivered
    shards: int = 1  # workers of the generator
    shards_lost: Sequence[tuple[int, float]] = ()  # (index, seconds into the load), in that order
    calls_failed_here: int = 0  # on the generator's own side, such as for want of open files
    hearing_unknown: bool = False  # it was to be measured before the load, and was not
    offered: Offered = field(default_factory=Offered)
    window: str = ""  # of which the turns are; what to say when it holds none


def assess(facts: Facts) -> tuple[Validity, list[str]]:
    """The run's validity and every reason, the gravest first."""
    grave: list[str] = []
    light: list[str] = []
    remarks: list[str] = []
    if facts.calls == 0:
        grave.append("no call was recorded")
    elif facts.turns == 0:
        grave.append(facts.window or "no turn was recorded")
    elif facts.impossible_turns == facts.turns:
        grave.append("every turn has a negative latency, so no clock of it can be trusted")
    elif facts.turns < FEW_TURNS:
        where = "in the window" if facts.window else "recorded"
        light.append(f"only {_count(facts.turns, 'turn')} {where}")
    if facts.levels_limited and facts.levels_limited * 2 > facts.levels:
        grave.append(_limited(facts))
    elif facts.levels_limited:
        light.append(_limited(facts))
    if facts.stop_reason == "generator_limit" and not facts.levels_limited:
        grave.append("the run was stopped because the generator was the limit")
    by_load = against(facts.offered)
    grave += by_load[0]
    light += _shards_lost(facts) + by_load[1]
    if facts.calls_failed_here:
        light.append(
            f"{_count(facts.calls_failed_here, 'call')} of {facts.calls} failed on this machine's"
            " side: the load was less than asked for"
        )
    _lost(facts, grave, light)
    if not facts.shut_down:
        cut = ", so its last calls are cut" if facts.calls else ""
        light.append(f"the run ended without a shutdown{cut}")
    if 0 < facts.impossible_turns < facts.turns:
        light.append(f"{_count(facts.impossible_turns, 'turn')} with a negative latency left out")
    if facts.impossible_calls:
        calls = _count(facts.impossible_calls, "call")
        light.append(f"{calls} ended before they began: the last that was seen of each counts")
    if facts.levels_thin:
        remarks.append(f"{_count(facts.levels_thin, 'level')} left out for too few turns")
    for component, sources in facts.sources.items():
        if len(sources) > 1:
            remarks.append(f"{component} is known from several sources: {', '.join(sources)}")
    if facts.untimed:
        shares = ", ".join(f"{name} in {share:.0%}" for name, share in facts.untimed.items())
        remarks.append(
            f"answered turns without timing: {shares} of them; what took their time is not known,"
            " and fewer calls are seen to wait there than do"
        )
    if facts.hearing_unknown:
        remarks.append("hearing not calibrated: by how much it is late on this machine is unknown")
    remarks += by_load[2]
    light += facts.notes
    validity: Validity = "inconclusive" if grave else "degraded" if light else "valid"
    return validity, [*grave, *light, *remarks]


def _shards_lost(facts: Facts) -> list[str]:
    """Nobody takes over what a lost worker held, so what was asked for was not offered."""
    lines = []
    for gone, (index, at_s) in enumerate(facts.shards_lost, 1):
        offered = (facts.shards - gone) / facts.shards
        lines.append(
            f"worker {index + 1} of {facts.shards} lost {at_s:.0f} s into the load: "
            f"{offered * 100:.1f} % of it was offered from then on"
        )
    return lines


def _lost(facts: Facts, grave: list[str], light: list[str]) -> None:
    """Every span that ended is stored, waits, or was lost for a reason that has a name.

    A share of them without one is a fault that nobody has understood, however small it is: such a
    run can not pass. Where all are accounted for, what else is gone was another run's or the
    target's.
    """
    lost, waiting = sum(facts.spans_lost.values()), facts.spans_waiting
    ended = facts.spans_ended or facts.spans_stored + lost + waiting
    unexplained = 0
    if facts.spans_ended is not None:
        unexplained = facts.spans_ended - facts.spans_stored - lost - waiting
    found = []
    if lost:
        reasons = ", ".join(f"{count} {reason}" for reason, count in facts.spans_lost.items())
        found.append((lost, f"spans were lost: {reasons}"))
    if waiting:
        message = f"{waiting} spans wait in the spool: start `ovl collect` on this store"
        found.append((waiting, message))
    if unexplained > 0:
        grave.append(f"the ledger does not close: {unexplained} of {ended} spans are not stored")
    closes = facts.spans_ended is not None and unexplained <= 0
    (light if closes else grave).extend(facts.losses)
    for count, message in found:
        (grave if count / max(1, ended) > LOST_SHARE else light).append(message)


def _limited(facts: Facts) -> str:
    left = "it was" if facts.levels_limited == 1 else "they were"
    of = f"{facts.levels_limited} of {_count(facts.levels, 'level')}"
    why = f" ({facts.offered.reasons})" if facts.offered.reasons else ""
    return f"the generator was the limit in {of}{why}; {left} left out"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
