"""Why two sides differ: which component bent before and bends now, and whose time changed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Final

from otel_voiceload.analysis import compare as analysis
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.reports.compare_read import RunFigures
from otel_voiceload.reports.compare_series import knee
from otel_voiceload.reports.render.phrases import seconds

CLEARLY_OTHER: Final = 1.15  # two knees further apart than this are not the same one
_WORTH_TELLING_S: Final = 0.02


def explain(
    base: Sequence[RunFigures], run: Sequence[RunFigures], shared: frozenset[float]
) -> list[str]:
    """A few sentences; none where there is nothing to explain."""
    return [*_knees(base, run), *_times(base, run, shared)]


def _knees(base: Sequence[RunFigures], run: Sequence[RunFigures]) -> list[str]:
    before, after = _bend(base), _bend(run)
    if before is None or after is None:
        return []
    (who, at, said), (now_who, now_at, now_said) = before, after
    if who and now_who == who:
        if now_at > at * CLEARLY_OTHER:
            return [f"{who} carries more and still bends first: knee {said} -> {now_said}"]
        if now_at * CLEARLY_OTHER < at:
            return [f"{who} bends earlier: knee {said} -> {now_said}"]
        return [f"{who} bends first on both sides: knee {said} -> {now_said}"]
    if who and now_at > at * CLEARLY_OTHER:
        then = f"; next: {now_who}" if now_who else ""
        return [f"{who} fixed: knee {said} -> {now_said}{then}"]
    if now_who and now_at * CLEARLY_OTHER < at:
        earlier = f"{who} did at {said} before" if who else f"nothing bent up to {at:.0f} before"
        return [f"{now_who} bends first now, at {now_said}; {earlier}"]
    if who and now_who:
        return [f"{now_who} is named in place of {who}, at about the same load: {said}, {now_said}"]
    return []


def _bend(side: Sequence[RunFigures]) -> tuple[str, float, str] | None:
    """Who bends first ("" for nobody), where, and that in words; None when runs disagree on it."""
    names, places = set(), []
    for each in side:
        found = each.report["inflection"]
        at = knee(found)
        if at is None or (found["status"] == "ambiguous"):
            return None
        names.add("" if at.at_least else found["candidates"][0]["component"])
        places.append(at)
    if len(names) != 1:
        return None
    calls = fmean(each.value for each in places)
    over = "over " if any(each.at_least for each in places) else ""
    at_most = "at most " if any(each.at_most for each in places) else ""
    return names.pop(), calls, f"{over}{at_most}{calls:.0f}"


def _times(
    base: Sequence[RunFigures], run: Sequence[RunFigures], shared: frozenset[float]
) -> list[str]:
    """Whose mean grew with the turn's, at the levels that both sides held."""
    turn = _growth(base, run, "turn_latency", shared)
    if turn is None or abs(turn) < _WORTH_TELLING_S:
        return []
    growths = {
        component: grown
        for component in COMPONENTS
        if (grown := _growth(base, run, component, shared)) is not None
    }
    told = f"a turn takes {_signed(turn)} on average"
    same_way = {name: grown for name, grown in growths.items() if grown * turn > 0}
    if not growths:
        return [f"{told}; without component timing nobody can say where"]
    if not same_way or abs(sum(same_way.values())) < 0.5 * abs(turn):
        return [f"{told}, most of it outside the timed components"]
    ranked = sorted(growths, key=lambda name: -abs(growths[name]))
    worth = [f"{name} {_signed(growths[name])}" for name in ranked if _counts(growths[name], turn)]
    return [f"{told}: {', '.join(worth)}"]


def _counts(grown: float, turn: float) -> bool:
    return abs(grown) >= 0.1 * abs(turn)


def _growth(
    base: Sequence[RunFigures],
    run: Sequence[RunFigures],
    metric: str,
    shared: frozenset[float],
) -> float | None:
    means = []
    for side in (base, run):
        values = []
        for each in side:
            rows = each.rows(metric, shared)
            value = None if rows is None else analysis.mean(rows)
            if value is None:
                return None
            values.append(value)
        means.append(fmean(values))
    return means[1] - means[0]


def _signed(value_s: float) -> str:
    return f"{seconds(abs(value_s))} {'more' if value_s > 0 else 'less'}"
