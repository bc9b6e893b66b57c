"""Why a component is full, as far as spans and processes tell; where they do not, it is unknown.

What a component says of itself goes before what its numbers look like, since the same climb has
many reasons: refusals first, then a processor or a memory that is full, then how much was ever
under way at once. A limit on that looks the same whether it is the agent's own pool or a provider's
quota that makes requests wait; it is called a pool, and the evidence gives the number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from otel_voiceload.analysis.knee import Knee

Cause = Literal["provider_limit", "provider_slow", "own_cpu", "own_memory", "pool", "unknown"]

LIMIT_ERRORS: Final = ("rate_limited", "429", "too_many_requests", "resource_exhausted", "quota")
FULL_MACHINE: Final = 0.85  # of its cores, averaged over a level: bursts in it found none free
ONE_CORE: Final = (0.9, 1.1)  # what one thread can take, and does at every level
FULL_MEMORY: Final = 0.9
UNATTRIBUTED: Final = "unattributed"
ASKED: Final = ("stt", "llm", "tts", "tool")  # of whose requests an agent may keep a pool
SAME_CAP: Final = 0.1
USUALLY_AT_CAP: Final = 0.8  # median over most: below it the most was a moment's
LONGER: Final = 1.5
WAITS_MORE_S: Final = 0.02
HIDDEN_RETRIES: Final = (
    "no refusals, waits or sizes were recorded; retries inside a client library would look the same"
)


@dataclass(frozen=True, slots=True)
class Work:
    """One component at one level (query ``component_load``). None: its spans do not say."""

    level_no: int
    calls: float
    turns: int
    attempts: int
    failed: int
    queue_s: float | None
    busy_s: float | None
    at_once_median: float | None
    at_once_most: int | None


@dataclass(frozen=True, slots=True)
class Process:
    """What the target's processes took at one level (query ``resource_levels``)."""

    level_no: int
    calls: float
    cpu: float | None  # cores
    rss_bytes: float | None


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is known beside latencies. ``work`` is asked only for what is named."""

    failures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    work: Callable[[str], Sequence[Work]] = lambda component: ()
    target: Sequence[Process] = ()
    cores: int | None = None  # of the machine that the target was seen on
    memory_bytes: int | None = None


def explain(
    component: str,
    knee: Knee | None,
    grounds: Grounds,
    well: Collection[int],
    bent: Collection[int],
) -> tuple[Cause, tuple[str, ...]]:
    """The cause and its evidence; ``well`` and ``bent`` are the numbers of levels before and since.

    Levels that the load came back down to belong to neither.
    """
    if component == UNATTRIBUTED:
        own = _own(grounds, well, bent)
        return own if own is not None else _before_asking(grounds, bent)
    work = grounds.work(component)
    before = [each for each in work if each.level_no in well]
    since = [each for each in work if each.level_no in bent]
    refused = _refused(component, grounds.failures.get(component, {}), since)
    if refused:
        return "provider_limit", refused
    own = _own(grounds, well, bent)
    if own is not None:
        return own
    cap = _cap(component, before, since)
    if cap:
        return "pool", cap
    slower = _slower(component, before, since)
    if slower:
        return "provider_slow", slower
    if knee is None:
        return "unknown", ()
    levels_off = f"it levels off at {knee.rate:.1f} turns/s"
    if not any(each.queue_s is not None or each.busy_s is not None for each in work):
        return "unknown", (levels_off, HIDDEN_RETRIES)
    return "unknown", (f"no refusals were recorded; {levels_off}",)


def served_per_s(component: str, grounds: Grounds, bent: Collection[int]) -> float | None:
    """What its servers do at most, of one that refuses beyond them; None where that is not seen.

    Servers of a component that lets work wait are never idle while anything does, so what it
    carries tells the same without this.
    """
    if not _refusals(grounds.failures.get(component, {})):
        return None
    since = [each for each in grounds.work(component) if each.level_no in bent]
    cap = _most_at_once(since)
    busy = [(each.busy_s, each.attempts - each.failed) for each in since if each.busy_s]
    served = sum(count for _, count in busy)
    if cap is None or served <= 0:
        return None
    return cap * served / sum(busy_s * count for busy_s, count in busy)


def _refusals(failures: Mapping[str, int]) -> dict[str, int]:
    return {
        kind: count
        for kind, count in failures.items()
        if any(word in kind.lower() for word in LIMIT_ERRORS)
    }


def _refused(component: str, failures: Mapping[str, int], since: Sequence[Work]) -> tuple[str, ...]:
    refusals = _refusals(failures)
    if not refusals:
        return ()
    total = sum(refusals.values())
    lines = [f"{total} attempts of {component} were refused ({', '.join(sorted(refusals))})"]
    worst = max(since, key=lambda each: each.attempts / max(1, each.turns), default=None)
    if worst is not None and worst.attempts > worst.turns:
        lines.append(
            f"{worst.attempts / worst.turns:.1f} attempts a turn at {worst.calls:.0f} calls,"
            f" {worst.failed / worst.attempts:.0%} of the attempts failed"
        )
    cap = _most_at_once(since)
    if cap is not None:
        lines.append(f"hard cap near {cap} at once")
    return tuple(lines)


def _own(
    grounds: Grounds, well: Collection[int], bent: Collection[int]
) -> tuple[Cause, tuple[str, ...]] | None:
    """The target's own machine is full where it bent, and was not before."""
    before = [each for each in grounds.target if each.level_no in well]
    since = [each for each in grounds.target if each.level_no in bent]
    cpu = [(each.calls, each.cpu) for each in since if each.cpu is not None]
    cpu_before = max((each.cpu for each in before if each.cpu is not None), default=None)
    if cpu:
        at, most = max(cpu, key=lambda each: each[1])
        if grounds.cores is not None and most >= FULL_MACHINE * grounds.cores:
            return "own_cpu", (
                f"the target took {most:.1f} of {grounds.cores} cores at {at:.0f} calls",
            )
        one_thread = len(cpu) > 1 and all(ONE_CORE[0] <= used <= ONE_CORE[1] for _, used in cpu)
        if one_thread and cpu_before is not None and cpu_before < ONE_CORE[0]:
            return "own_cpu", (
                f"the target took {most:.2f} cores however many calls there were: one thread is"
                f" full, and before it was {cpu_before:.2f}",
            )
    if grounds.memory_bytes:
        taken = max((each.rss_bytes for each in since if each.rss_bytes is not None), default=0.0)
        if taken >= FULL_MEMORY * grounds.memory_bytes:
            share = taken / grounds.memory_bytes
            return "own_memory", (f"the target held {share:.0%} of the machine's memory",)
    return None


def _cap(component: str, before: Sequence[Work], since: Sequence[Work]) -> tuple[str, ...]:
    """Never more than so many under way at once, and what comes beside them waits."""
    cap = _most_at_once(since)
    if cap is None:
        return ()
    waits_s = max((each.queue_s for each in since if each.queue_s is not None), default=None)
    early_s = max((each.queue_s for each in before if each.queue_s is not None), default=0.0)
    # Without a recorded wait the plateau may be that of the callers and not of a pool.
    if waits_s is None or waits_s < early_s + WAITS_MORE_S:
        return ()
    return (
        f"hard cap near {cap} at once, from {since[0].calls:.0f} calls on",
        f"beside them {component} waits {waits_s:.2f} s on average before it is taken up"
        " (an own pool, or a quota that makes requests wait)",
    )


def _before_asking(grounds: Grounds, bent: Collection[int]) -> tuple[Cause, tuple[str, ...]]:
    """Time before a component is asked at all: a pool that its spans do not show, if any does."""
    for name in ASKED:
        since = [each for each in grounds.work(name) if each.level_no in bent]
        cap = _most_at_once(since)
        if cap is not None:
            return "pool", (
                f"{name}: hard cap near {cap} at once, from {since[0].calls:.0f} calls on; what"
                " comes beside them waits where no span tells of it",
            )
    return "unknown", ()


def _most_at_once(since: Sequence[Work]) -> int | None:
    """The plateau of what is under way; None when it grows with the calls or is a moment's peak."""
    seen = [
        (each.at_once_median, each.at_once_most)
        for each in since
        if each.at_once_median is not None and each.at_once_most
    ]
    if len(seen) < 2:
        return None
    most = max(peak for _, peak in seen)
    usual, peak = seen[-1]
    flat = all(each >= most - max(1.0, SAME_CAP * most) for _, each in seen)
    return most if flat and usual >= USUALLY_AT_CAP * peak else None


def _slower(component: str, before: Sequence[Work], since: Sequence[Work]) -> tuple[str, ...]:
    """The work itself takes longer under load, and nothing on this side holds it up."""
    early = [each.busy_s for each in before if each.busy_s]
    late = [each.busy_s for each in since if each.busy_s]
    if not early or not late or max(late) < LONGER * min(early):
        return ()
    return (
        f"{component} works {max(late):.2f} s on an answer where it took {min(early):.2f} s, with"
        f" {max(each.at_once_most or 0 for each in since)} under way at once and none refused",
    )
