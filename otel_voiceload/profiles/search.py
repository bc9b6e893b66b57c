"""How a ramp goes on when it is to stop at the knee: a pure choice after every level.

Doublings while nothing bends, steps of a quarter as soon as something is suspected: they only go
up, because a target that comes down from a peak is a different one for a while. The search is over
when the knee's interval is tight, when callers are no longer served, or at the top. A level at
which the generator was the limit says nothing of the target: it is held once more, since a machine
may have been busy for a moment, and the search ends when that was no better.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_voiceload.profiles import Measured, StopReason

TIGHT = 0.35  # of the knee: the whole width of its interval; the method's own floor is 0.14
SUSPECT_RATIO = 1.3  # of p95 over the own baseline
FLOOR_RATIO = 4.0
FLOOR_UNANSWERED = 0.2
FLOOR_DROP = 0.2
SMALL_STEP = 1.25
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
    """What to do after the levels ``held``, of which the last is the highest.

    ``limited`` says of each time that the highest was held whether the generator was the limit.
    """
    top = held[-1]
    if limited and limited[-1]:
        if len(limited) == 1:
            return Step(top, AGAIN)
        why = f"the generator was the limit at {top} calls, {len(limited)} times in a row"
        return Step(None, why, "generator_limit")
    if measured is None or measured.status == "unknown":
        why = "nothing is known of the levels below"
        if measured is not None and measured.why:
            why = f"the levels below could not be measured: {measured.why}"
        return _up(top, 2.0, most, why)
    if floor := quality_floor(measured):
        return Step(None, floor, "quality_floor")
    if is_tight(measured):
        return Step(None, f"the knee is known: {_interval(measured)}")
    if top >= most:
        return Step(None, f"{top} calls were the most that were asked for")
    if len(held) >= MOST_LEVELS:
        return Step(None, f"{MOST_LEVELS} levels did not settle it", "duration")
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


def _up(top: int, factor: float, most: int, why: str) -> Step:
    if top >= most:
        return Step(None, f"{top} calls were the most that were asked for")
    return Step(min(most, max(top + 1, round(top * factor))), why)


def _interval(measured: Measured) -> str:
    low, high = measured.knee_low or 0.0, measured.knee_high or 0.0
    return f"{measured.component or 'the turn'} at {low:.0f} to {high:.0f} calls"
