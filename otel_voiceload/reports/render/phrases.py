"""Figures in words, the same in every form of the report.

A figure that is not known is printed as "unknown", never as blank, dash or zero: readers take those
for good news.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from otel_voiceload.reports.report import Candidate, Report, ThresholdResult

UNKNOWN: Final = "unknown"
PLANTED_NOTHING: Final = ("", "none")

STOP_REASONS: Final = {
    "target_reached": "all stages were held",
    "quality_floor": "stopped at the quality floor",
    "duration": "its time was over",
    "generator_limit": "the generator was the limit",
    "user": "stopped by a signal: Ctrl-C or SIGTERM",
    "kill": "stopped by the kill switch",
}


def number(value: float) -> str:
    """Three figures that matter: 0.52, 1.25, 12.3, 123."""
    size = abs(value)
    return f"{value:.2f}" if size < 9.995 else f"{value:.1f}" if size < 99.95 else f"{value:.0f}"


def seconds(value: float | None, censored_at_s: float | None = None) -> str:
    """A latency: ``0.52 s``, ``3.2 ms``; at or over the deadline of unanswered turns ``>8 s``, and
    so for components at what was seen of work that callers did not wait for."""
    if value is None:
        return UNKNOWN
    if censored_at_s is not None and value >= censored_at_s:
        return f">{_limit(censored_at_s)} s"
    if abs(value) < 0.01:
        return f"{value * 1000:.1f} ms" if value else "0 s"
    if abs(value) < 0.0995:
        return f"{value * 1000:.0f} ms"
    return f"{number(value)} s"


def bare_seconds(value: float | None, censored_at_s: float | None = None) -> str:
    """A latency for a column whose head says that these are seconds."""
    if value is None:
        return "?"  # the column is four wide; the line under the table says what ? stands for
    if censored_at_s is not None and value >= censored_at_s:
        return f">{_limit(censored_at_s)}"
    if 0 < value < 0.0005:
        return "<1ms"
    if 0 < value < 0.00995:
        return f"{value:.3f}".removeprefix("0")  # .002: as wide as the others, and not nothing
    return number(value)


def _limit(seconds: float) -> str:
    """A deadline as people give it, 8 or 2.5; what was measured with three figures that matter."""
    return f"{seconds:g}" if len(f"{seconds:g}") <= 4 else number(seconds)


def percent(ratio: float | None) -> str:
    if ratio is None:
        return UNKNOWN
    share = ratio * 100
    if share in (0, 100) or abs(share) >= 9.95:
        return f"{share:.1f}%".replace(".0%", "%")
    return f"{share:.2g}%" if abs(share) >= 0.01 else "<0.01%"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def calls(value: float | None) -> str:
    """A number of calls, whole: nobody holds half a call."""
    return UNKNOWN if value is None else f"{value:.0f}"


def calls_range(ci: tuple[float, float] | None) -> str:
    """``(41-52)``, or nothing where there is no interval to print."""
    return "" if ci is None else f"({ci[0]:.0f}-{ci[1]:.0f})"


def at_calls(value: float | None, ci: tuple[float, float] | None) -> str:
    """``46 (41-52)``."""
    return f"{calls(value)} {calls_range(ci)}".strip()


def figure(value: float | None, unit: str, censored_at_s: float | None = None) -> str:
    """A threshold's figure in its own unit."""
    if value is None:
        return UNKNOWN
    if unit == "s":
        return seconds(value, censored_at_s)
    if unit == "ratio":
        return percent(value)
    if unit == "points":
        return f"{value * 100:.1f} points"
    if unit == "x":
        return f"{number(value)}x"
    return f"{value:g} {unit}".strip()


def observed(result: ThresholdResult, censored_at_s: float | None) -> str:
    """What was seen, ``>8 s`` where turns had no answer or callers did not wait for the work."""
    limit = censored_at_s if result["metric"].startswith("turn_latency") else None
    if limit is None and result.get("at_least"):
        limit = result["observed"]
    return figure(result["observed"], result["unit"], limit)


def bounds(result: ThresholdResult, censored_at_s: float | None = None) -> str:
    """The interval of a threshold's figure; one open end says so."""
    ci = result["ci"]
    if ci is None or ci == (None, None):
        return UNKNOWN
    limit = censored_at_s if result["metric"].startswith("turn_latency") else None
    low, high = (figure(each, result["unit"], limit) for each in ci)
    if ci[1] is None:
        return f"over {low}"
    if ci[0] is None:
        return f"under {high}"
    if low.rpartition(" ")[2] == high.rpartition(" ")[2]:
        low = low.rpartition(" ")[0] or low  # the unit once is enough
    return f"{low} - {high}"


def verdict_of(result: ThresholdResult) -> str:
    """A threshold's verdict with what it lacks: a reader wants to know how to get an answer.

    And at which load, where that is not the whole run.
    """
    verdict = result["verdict"]
    at = result.get("judged_at")
    where = "" if at is None else f" at {counted(round(at), 'call')}"
    if verdict == "not_applicable":
        return f"not applicable: {result['why'] or 'this wire has no such figure'}"
    if verdict == "unknown":
        needs = result["needs_calls"]
        more = f", about {counted(needs, 'more call')} would decide" if needs else ""
        why = f": {result['why']}" if result["why"] and not needs else ""
        return f"unknown{where}{why}{more}"
    return f"{verdict}{where}"


def decides(result: ThresholdResult) -> bool:
    """Whether a threshold sets the exit code: the user wrote it, and it is no search's level."""
    return result["written_by_user"] and result.get("decides", True)


def bend(candidate: Candidate) -> str:
    """``llm bends at 46 (41-52)``."""
    if candidate["calls"] is None:
        return f"{candidate['component']} bends, at how many calls is unknown"
    return f"{candidate['component']} bends at {at_calls(candidate['calls'], candidate['ci'])}"


def planted_and_found(report: Report) -> str | None:
    """The demo's own proof, ``planted llm at 48, found 46 (41-52)``; None of any other run."""
    planted = report["run"].get("planted")
    if planted is None:
        return None
    component, _, at = planted.partition(":")
    if component in PLANTED_NOTHING:
        said = "planted nothing"
    else:
        said = f"planted {component} at {at}" if at else f"planted {component}"
    inflection = report["inflection"]
    candidates = inflection["candidates"]
    up_to = calls(inflection["tested_up_to"])
    if inflection["status"] == "not_reached" or not candidates:
        words = {
            "cannot_tell": "could not tell",
            "unobserved": "found no component timing",
        }
        return f"{said}, {words.get(inflection['status'], f'found nothing up to {up_to} calls')}"
    found = []
    for candidate in candidates:
        name = "" if candidate["component"] == component else f"{candidate['component']} at "
        limit = "at most " if inflection["status"] == "at_most" else ""
        found.append(f"{name}{limit}{at_calls(candidate['calls'], candidate['ci'])}")
    return f"{said}, found {' or '.join(found)}"


def planted_is_found(report: Report) -> bool:
    """Whether a demo found what it planted, by the same rule as its exit code."""
    component = report["run"].get("planted", "").partition(":")[0]
    found = report["inflection"]
    if component in PLANTED_NOTHING:
        return found["status"] == "not_reached"
    named = [candidate["component"] for candidate in found["candidates"]]
    return found["status"] == "found" and named == [component]


def moment(iso: str | None) -> str:
    """``2026-11-23 10:15:00 UTC``; as it stands when it is no time."""
    when = _parsed(iso)
    if when is None:
        return iso or UNKNOWN
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def length(started: str | None, ended: str | None) -> str:
    """How long a run took: ``52 s``, ``12 min``, ``1 h 30 min``."""
    first, last = _parsed(started), _parsed(ended)
    if first is None or last is None:
        return "length unknown"
    return span_of((last - first).total_seconds())


def span_of(total_s: float) -> str:
    """A span of time: ``52 s``, ``12 min``, ``1 h 30 min``, ``12 days``."""
    if total_s < 120:
        return f"{total_s:.0f} s"
    if total_s >= 72 * 3600:
        return f"{total_s / 86400:.0f} days"
    hours, minutes = divmod(round(total_s / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _parsed(iso: str | None) -> datetime | None:
    if not iso:
        return None
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
