"""The figures by which runs are compared, each by one name: ``llm p95``, ``completion``, ``knee``.

A number of calls that nothing reached is a least one: a ramp that ended at 96 calls without a bend
says "96 or more", which is enough to see a loss against it and never enough to see a gain.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from typing import Final

from otel_voiceload.analysis import compare as analysis
from otel_voiceload.analysis.compare import Kind, Observed
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.reports.compare_read import RunFigures
from otel_voiceload.reports.report import Ceiling, Inflection

SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_TURN: Final = tuple(f"turn_latency {share}" for share in SHARES)
_COMPONENT: Final = tuple(f"{component} p95" for component in COMPONENTS)
KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys((*_TURN, *_COMPONENT, "greeting p95"), "seconds"),
    "completion": "completion",
    "error_rate": "errors",
    **dict.fromkeys(("knee", "ceiling", "own_ceiling"), "calls"),
}
# As people write them, beside their full names.
SHORT: Final = {
    **{share: f"turn_latency {share}" for share in SHARES},
    "turn_latency": "turn_latency p95",
    "greeting": "greeting p95",
    **{component: f"{component} p95" for component in COMPONENTS},
}
LEAST_S: Final = 0.001  # below it a latency is no figure to compare: the wire of a loopback
_INTERVAL: Final = 2 * 1.959964  # standard errors between the ends of a 95 % interval


def name_of(said: str) -> str | None:
    """The name of a figure as somebody wrote it; None when there is none of that name."""
    name = SHORT.get(said, said)
    return name if name in KINDS else None


def known_names() -> str:
    """For error messages."""
    return ", ".join(sorted({*SHORT, *(name for name in KINDS if " " not in name)}))


def figures(
    run: RunFigures,
    shared: frozenset[float] | None,
    whole: bool,
    seed: int = 1,
    only: Iterable[str] = tuple(KINDS),
) -> dict[str, Observed | None]:
    """What a run says of each name in ``only``; None where it says nothing.

    Turns count at the levels ``shared`` (None: everywhere); calls as well unless ``whole``, since a
    call may span levels.
    """
    wanted = tuple(only)
    found: dict[str, Observed | None] = {}
    of_calls = None if whole else shared
    for metric in dict.fromkeys(name.partition(" ")[0] for name in wanted):
        rows = run.rows(metric, of_calls if metric == "greeting" else shared)
        shares = [name.partition(" ")[2] for name in wanted if name.startswith(f"{metric} ")]
        if rows is not None and shares:
            values = analysis.quantiles(rows, [SHARES[share] for share in shares], seed)
            for share, value in zip(shares, values, strict=True):
                told = value is not None and value.value >= LEAST_S
                found[f"{metric} {share}"] = value if told else None
    for name, metric, at in (
        ("completion", "call_completion", of_calls),
        ("error_rate", "error_rate", shared),
    ):
        rows = run.rows(metric, at) if name in wanted else None
        if rows is not None:
            found[name] = analysis.rate(rows, seed)
    ceilings = run.report["ceiling"]
    found["knee"] = knee(run.report["inflection"])
    found["ceiling"] = _ceiling(ceilings["slo"])
    found["own_ceiling"] = _ceiling(ceilings["degradation"])
    return {name: found.get(name) for name in wanted}


def knee(inflection: Inflection) -> Observed | None:
    """At how many calls the first component bends, whichever it is; None when nobody can say."""
    status, candidates = inflection["status"], inflection["candidates"]
    if status == "not_reached" and inflection["tested_up_to"]:
        return Observed(inflection["tested_up_to"], 0.0, True, at_least=True)
    known = [each for each in candidates if each["calls"]]
    if status not in ("found", "ambiguous", "at_most") or not known:
        return None
    first = min(known, key=lambda each: each["calls"] or 0.0)
    return _calls(first["calls"] or 0.0, first["ci"], at_most=status == "at_most")


def _ceiling(ceiling: Ceiling) -> Observed | None:
    calls, ci = ceiling["calls"], ceiling["ci"]
    if calls is None:
        return None
    if calls <= 0:  # the promise was broken at the lowest level already
        return Observed(ci[1], 0.0, True, at_most=True) if ci is not None and ci[1] > 0 else None
    return _calls(calls, ci, at_least=ceiling["limited_by"] is None)


def _calls(
    calls: float, ci: tuple[float, float] | None, *, at_least: bool = False, at_most: bool = False
) -> Observed:
    spread = 0.0
    if ci is not None and 0 < ci[0] < ci[1]:
        spread = (log(ci[1]) - log(ci[0])) / _INTERVAL
    return Observed(calls, spread, True, at_least=at_least, at_most=at_most)
