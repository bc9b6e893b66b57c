"""How a ramp goes on when it is to stop at the knee: a pure choice after every level.

Doublings while nothing bends, steps of a quarter as soon as something is suspected. Where a level
was too many and the one before it well, the knee lies between them: the load goes back to the good
one until the backlog is gone, since a target that comes down from a peak is another one for a
while, and climbs to the middle from there, twice at the most. The search is over when the knee's
interval is tight, when callers are no longer served, or at the top. A level at which the generator
was the limit says nothing of the target: it is held once more, since a machine may have been busy
for a moment, and the search ends when that was no better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from otel_voiceload.profiles import Fared, Measured, StopReason

TIGHT = 0.35  # of the knee: the whole width of its interval; the method's own floor is 0.14
SUSPECT_RATIO = 1.3  # of p95 over the own baseline
FLOOR_RATIO = 4.0
FLOOR_UNANSWERED = 0.2
FLOOR_DROP = 0.2
SMALL_STEP = 1.25
SMALL_LEVEL = 10  # up to here steps are small anyway, and the own baseline lies there
MIDDLES = 2  # a doubling is then known to a fifth
WAITS = 3  # times that a level is held for the backlog of a higher one to go
MOST_LEVELS = 30
AGAIN = "the generator was the limit, so this level once more"
NAMED = ("found", "at_most", "ambiguous")


@dataclass(frozen=True, slots=True)
class Step:
    """The next level, with why; or ``calls`` None and the reason to stop."""

    calls: int | None
    why: str
    stop_reason: StopReason = "target_reached"


def next_step(
    held: tuple[int, ...], measured: Measured | None, most: int, limited: tuple[bool, ...] = ()
) -> Step:
    """What to do after the levels ``held``, in the order of the run.

    ``limited`` says of each time in a row that the last one was held whether the generator was the
    limit.
    """
    at, top = held[-1], max(held)
    if limited and limited[-1]:
        if limited[-2:] != (True, True):
            return Step(at, AGAIN)
        why = f"the generator was the limit at {at} calls, {len(limited)} times in a row"
        return Step(None, why, "generator_limit")
    if measured is None or measured.status == "unknown":
        why = "nothing is known of the levels below"
        if measured is not None and measured.why:
            why = f"the levels below could not be measured: {measured.why}"
        return _up(top, 2.0, most, why)
    floor, tight = quality_floor(measured), is_tight(measured)
    if len(held) >= MOST_LEVELS and not floor and not tight:
        return Step(None, f"{MOST_LEVELS} levels did not settle it", "duration")
    if not tight and (between := _between(held, measured)) is not None:
        return between
    if floor:
        return Step(None, floor, "quality_floor")
    if tight:
        return Step(None, f"the knee is known: {_interval(measured)}")
    if top >= most:
        return Step(None, f"{top} calls were the most that were asked for")
    if suspicion := suspected(measured):
        return _up(top, SMALL_STEP, most, f"a small step, since {suspicion}")
    return _up(top, 2.0, most, "nothing bent below")


def quality_floor(measured: Measured) -> str:
    """Why the highest level is no service any more; empty while it is one."""
    top = measured.top
    if top is None:
        return ""
    if top.unanswered >= FLOOR_UNANSWERED:
        return f"{top.unanswered * 100:.0f}% of the turns at {top.calls:.0f} calls had no answer"
    if top.p95_ratio is not None and top.p95_ratio >= FLOOR_RATIO:
        return f"p95 at {top.calls:.0f} calls was {top.p95_ratio:.1f} times the baseline's"
    if top.completion_drop is not None and top.completion_drop >= FLOOR_DROP:
        points = top.completion_drop * 100
        return f"completion at {top.calls:.0f} calls was {points:.0f} points under the baseline's"
    return ""


def is_tight(measured: Measured) -> bool:
    low, high, knee = measured.knee_low, measured.knee_high, measured.knee
    if measured.status != "found" or knee is None or low is None or high is None:
        return False
    return high - low <= TIGHT * knee


def suspected(measured: Measured) -> str:
    """What makes a knee near; empty while nothing does."""
    if measured.status in NAMED:
        return f"{measured.component or 'the turn'} seems to bend"
    top = measured.top
    if top is not None and top.p95_ratio is not None and top.p95_ratio >= SUSPECT_RATIO:
        return f"p95 at {top.calls:.0f} calls was {top.p95_ratio:.1f} times the baseline's"
    return ""


def _between(held: Sequence[int], measured: Measured) -> Step | None:
    """A level between the last good one and the first that was too many, or the way there."""
    gap = _gap(held, measured)
    if gap is None:
        return None
    good, bad = gap
    middle = round(sqrt(good * bad))
    if bad <= SMALL_STEP * good or not good < middle < bad or _middles(held) >= MIDDLES:
        return None
    at, before = held[-1], next((each for each in reversed(held) if each != held[-1]), 0)
    if at > good:
        return Step(good, f"{bad} calls seem too many: back to {good} until the backlog is gone")
    if at < before and not _is_well(at, measured):
        waits = next((n for n, each in enumerate(reversed(held)) if each != at), len(held))
        if waits < WAITS:
            return Step(at, f"the backlog of {before} calls is not gone yet")
        why = f"{at} calls were served well before {before} calls came, and no more after them"
        return Step(None, why, "quality_floor")
    return Step(middle, f"in the middle of {good} calls, which are well, and {bad}")


def _gap(held: Sequence[int], measured: Measured) -> tuple[int, int] | None:
    """The highest good level and the lowest of those above it, which all bend."""
    first = {round(each.calls): each for each in reversed(measured.levels)}
    seen = [calls for calls in sorted(set(held)) if calls in first]
    bad = None
    while seen and _bends(first[seen[-1]], measured):
        bad = seen.pop()
    if bad is None or not seen or seen[-1] < SMALL_LEVEL:
        return None
    return seen[-1], bad


def _bends(level: Fared, measured: Measured) -> bool:
    named = measured.knee if measured.status in NAMED else None
    return (
        (named is not None and level.calls >= named)
        or (level.p95_ratio is not None and level.p95_ratio >= SUSPECT_RATIO)
        or level.unanswered >= FLOOR_UNANSWERED
    )


def _is_well(calls: int, measured: Measured) -> bool:
    """Whether a level that was held again fares as it did the first time.

    Counted are only turns begun after the older ones were answered, so none is too little.
    """
    times = [each for each in measured.levels if round(each.calls) == calls]
    if len(times) < 2:
        return False
    first, last = times[0], times[-1]
    return last.p95_s < SUSPECT_RATIO * first.p95_s and last.unanswered < FLOOR_UNANSWERED


def _middles(held: Sequence[int]) -> int:
    """Levels that were climbed to below a higher one held before."""
    highest, before, found = 0, 0, 0
    for calls in held:
        found += before < calls < highest
        highest, before = max(highest, calls), calls
    return found


def _up(top: int, factor: float, most: int, why: str) -> Step:
    if top >= most:
        return Step(None, f"{top} calls were the most that were asked for")
    return Step(min(most, max(top + 1, round(top * factor))), why)


def _interval(measured: Measured) -> str:
    low, high = measured.knee_low or 0.0, measured.knee_high or 0.0
    return f"{measured.component or 'the turn'} at {low:.0f} to {high:.0f} calls"
