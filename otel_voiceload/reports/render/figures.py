"""The charts of a report, each with what it shows and the command that prints its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from otel_voiceload.charts import latency_curve, stage_timeline, turn_share, waterfall
from otel_voiceload.charts.latency_curve import Bend, Point
from otel_voiceload.charts.theme import Spec, Width
from otel_voiceload.charts.waterfall import ExemplarSpan
from otel_voiceload.reports.exhibits import Exhibits
from otel_voiceload.reports.render.grid import observed
from otel_voiceload.reports.render.phrases import at_calls, calls, percent, seconds
from otel_voiceload.reports.report import ComponentReport, Level, Report

CURVES: Final = "Latency against calls"
SHARE: Final = "Where the time goes"
LOAD: Final = "The load"
TURNS: Final = "Four turns, piece by piece"

EXEMPLARS: Final = {
    "best": "Best turn",
    "baseline_median": "Median turn at the lowest level",
    "past_knee_median": "Median turn past the bend",
    "top_level_median": "Median turn at the highest level",
    "worst": "Worst turn",
}


@dataclass(frozen=True, slots=True)
class Figure:
    name: str  # of its file, and its id on the page
    group: str
    describes: str  # for readers who can not see it
    command: str  # prints the rows that it draws
    spec: Spec


def figures(
    report: Report,
    exhibits: Exhibits,
    width: Width = "container",
    curve_width: Width = "container",
) -> list[Figure]:
    """All charts that the data allows; an audio-only target has no shares and no components."""
    run = f"--run {report['run']['id']}"
    return [
        *_curves(report, run, curve_width),
        *_share(exhibits, run, width),
        *_timeline(report, exhibits, run, width),
        *_exemplars(exhibits, run, width),
    ]


def bend_of(report: Report) -> tuple[str, Bend] | None:
    """Who bends and where: the first component, else the turn as a whole."""
    for inflection in (report["inflection"], report["turn_inflection"]):
        known = [one for one in inflection["candidates"] if one["calls"] is not None]
        if not known:
            continue
        first = min(known, key=lambda one: one["calls"] or 0.0)
        low, high = first["ci"] or (None, None)
        climb = inflection["climb"]
        return first["component"], Bend(
            calls=first["calls"] or 0.0,
            low=low,
            high=high,
            climb_from=climb["from"] if climb else None,
            climb_to=climb["to"] if climb else None,
        )
    return None


def _curves(report: Report, run: str, width: Width) -> Iterable[Figure]:
    levels = report["levels"]
    curves = [("turn", [_level_point(level, levels[:place]) for place, level in enumerate(levels)])]
    curves += [(one["component"], _points(one, levels)) for one in observed(report)]
    found = bend_of(report)
    bending, bend = found if found else (None, None)
    axes = latency_curve.shared_axes([curve for _, curve in curves], bend)
    roles = {one["component"]: one for one in report["components"]}
    for name, curve in curves:
        here = name == bending or (name == "turn" and bend is not None)
        if here and bend is not None and name == bending:
            at = at_calls(
                bend.calls, None if bend.low is None else (bend.low, bend.high or bend.low)
            )
            together = report["inflection"]["status"] == "ambiguous"
            subtitle = f"{'one of those that bend' if together else 'bends first,'} at {at} calls"
        elif name == "turn":
            subtitle = "the whole turn, as the caller hears it"
        else:
            one = roles[name]
            # The other roles look at the median; beside a p95 that grew "healthy" reads wrong.
            role = f"{one['role']}, " if one["role"] in ("bottleneck", "candidate") else ""
            worst = max(one["curve"], key=lambda point: point["p95_s"] or 0.0)
            subtitle = (
                f"{role}p95 {seconds(one['baseline_p95_s'])} at first,"
                f" {seconds(one['peak_p95_s'], worst['open_from_s'])} at worst"
            )
        yield Figure(
            name=f"latency-{name}",
            group=CURVES,
            describes=f"Latency of {name} against calls held, p50, p95 and p99; {subtitle}.",
            command=_command("level_table" if name == "turn" else "component_curve", run),
            spec=latency_curve.spec(
                name, curve, axes, bend=bend, bends_here=here, subtitle=subtitle, width=width
            ),
        )


def _command(query: str, run: str) -> str:
    return f"ovl query {query} {run}"


def _points(component: ComponentReport, levels: list[Level]) -> list[Point]:
    """Its curve, which is the way up, and the levels that were held after a higher one."""
    up = [
        Point(
            calls=point["concurrency"],
            again=False,
            samples=point["samples"],
            p50_s=point["p50_s"],
            p95_s=point["p95_s"],
            p99_s=point["p99_s"],
            error_rate=point["error_rate"],
        )
        for point in component["curve"]
    ]
    down = [
        Point(
            calls=level["level"],
            again=True,
            samples=part["samples"],
            p50_s=part["p50_s"],
            p95_s=part["p95_s"],
            p99_s=None,
            error_rate=part["error_rate"],
        )
        for place, level in enumerate(levels)
        if _returned(level, levels[:place])
        for part in level["components"]
        if part["component"] == component["component"]
    ]
    return up + down


def _level_point(level: Level, before: list[Level]) -> Point:
    return Point(
        calls=level["level"],
        again=_returned(level, before),
        samples=level["turns"],
        p50_s=level["p50_s"],
        p95_s=level["p95_s"],
        p99_s=level["p99_s"],
        error_rate=level["error_rate"] or 0.0,
    )


def _returned(level: Level, before: list[Level]) -> bool:
    """Whether the load had been as high already: another question, so not on the line."""
    return any(each["level"] >= level["level"] for each in before)


def _share(exhibits: Exhibits, run: str, width: Width) -> Iterable[Figure]:
    rows = exhibits.turn_share
    if not any(row["share"] is not None for row in rows):
        return
    last = max(row["level_no"] for row in rows)
    told = ", ".join(
        f"{row['component']} {percent(row['share'])}" for row in rows if row["level_no"] == last
    )
    yield Figure(
        name="turn-share",
        group=SHARE,
        describes=f"Share of the turn by component and level; at the last level {told}.",
        command=_command("turn_share", run),
        spec=turn_share.spec(rows, width=width),
    )


def _timeline(report: Report, exhibits: Exhibits, run: str, width: Width) -> Iterable[Figure]:
    rows = exhibits.stage_timeline
    if not rows:
        return
    found = bend_of(report)
    peak = max(row["calls"] for row in rows)
    yield Figure(
        name="stage-timeline",
        group=LOAD,
        describes=f"Calls asked for and held over time, up to {calls(peak)}.",
        command=_command("stage_timeline", run),
        spec=stage_timeline.spec(
            rows,
            bend_calls=found[1].calls if found else None,
            bend_label=f"{found[0]} bends at {calls(found[1].calls)}" if found else "",
            width=width,
        ),
    )


def _exemplars(exhibits: Exhibits, run: str, width: Width) -> Iterable[Figure]:
    turns: dict[str, list[ExemplarSpan]] = {}
    for span in exhibits.exemplar_turns:
        turns.setdefault(span["exemplar"], []).append(span)
    for name, spans in turns.items():
        first = spans[0]
        subtitle = (
            f"{seconds(first['latency_s'])} at {calls(first['calls'])} calls,"
            f" call …{first['call_id'][24:32]} turn {first['turn_index']}"
        )
        title = EXEMPLARS.get(name, name)
        yield Figure(
            name=f"turn-{name.replace('_', '-')}",
            group=TURNS,
            describes=f"{title}, {subtitle}: its components on a line of time.",
            command=_command("exemplar_turns", run),
            spec=waterfall.spec(spans, title=title, subtitle=subtitle, width=width),
        )
