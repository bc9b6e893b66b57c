"""The report as one page that asks nothing of the network.

Either with the chart library inlined, so that charts answer the pointer, or ``static`` with
finished drawings and no script at all, for readers and mail gateways that block them. A content
security policy on the page holds it to that: a browser refuses any request it tried to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from itertools import groupby
from typing import Final

from otel_voiceload import __version__
from otel_voiceload.analysis.verdict import CLIMBS_EARLIER
from otel_voiceload.charts import theme
from otel_voiceload.charts.latency_curve import Bend
from otel_voiceload.errors import MissingExtra
from otel_voiceload.reports.exhibits import Exhibits
from otel_voiceload.reports.render import facts, phases
from otel_voiceload.reports.render.drift import about_drift
from otel_voiceload.reports.render.figures import CURVES, LOAD, SHARE, Figure, bend_of, figures
from otel_voiceload.reports.render.grid import build
from otel_voiceload.reports.render.html_tables import (
    TONE,
    level_table,
    phase_table,
    resource_table,
    sources,
    threshold_table,
    within_table,
)
from otel_voiceload.reports.render.judgement import judgement
from otel_voiceload.reports.render.late import about_late, about_quotas
from otel_voiceload.reports.render.markup import Html, join, json_script, raw, tag
from otel_voiceload.reports.render.phrases import (
    at_calls,
    calls,
    calls_range,
    planted_and_found,
    planted_is_found,
)
from otel_voiceload.reports.report import Ceiling, Report

EXTRA: Final = "report"
STATIC_WIDTH: Final = 490
STATIC_CURVE_WIDTH: Final = 325  # three in a row
# Scripts need eval: Vega compiles its expressions. Nothing may be fetched, from anywhere.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
_SCRIPT_POLICY: Final = f"{_POLICY}; script-src 'unsafe-inline' 'unsafe-eval'"


def render(report: Report, exhibits: Exhibits, *, static: bool = False) -> str:
    """The page; MissingExtra when the chart library is not installed."""
    if static:
        shown = figures(report, exhibits, STATIC_WIDTH, STATIC_CURVE_WIDTH)
        drawings = {figure.name: _drawn_twice(figure) for figure in shown}
        scripts: list[Html] = []
    else:
        bundle = _bundle()
        shown = figures(report, exhibits)
        drawings = {
            figure.name: tag(
                "div",
                class_="chart",
                data_figure=figure.name,
                role="img",
                aria_label=figure.describes,
            )
            for figure in shown
        }
        scripts = [
            json_script("ovl-specs", {figure.name: figure.spec for figure in shown}),
            json_script("ovl-themes", {name: theme.config(name) for name in ("light", "dark")}),
            raw("script", bundle),
            raw("script", _file("page.js")),
        ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content=_POLICY if static else _SCRIPT_POLICY,
        ),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"otel-voiceload {__version__}"),
        tag("title", f"{report['headline']} - {report['run']['id']}"),
        raw("style", _file("page.css")),
    )
    body = tag("body", tag("main", *_sections(report, shown, drawings)), *scripts)
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def svg(figure: Figure, scheme: theme.Scheme, *, opaque: bool = False) -> str:
    """One chart as a drawing; ``opaque`` paints its paper, for a file that stands anywhere."""
    try:
        import vl_convert
    except ImportError as error:
        raise missing_extra() from error
    drawing: str = vl_convert.vegalite_to_svg(
        figure.spec, config=theme.config(scheme, opaque=opaque), allowed_base_urls=[]
    )
    return drawing


def missing_extra() -> MissingExtra:
    return MissingExtra(
        "charts need the extra `report`, which is not installed:"
        f" pip install 'otel-voiceload[{EXTRA}]'"
    )


def _bundle() -> str:
    try:
        import vl_convert
    except ImportError as error:
        raise missing_extra() from error
    # Without a snippet of ours the finished bundle comes back at once; its stub demands one.
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return bundle


def _drawn_twice(figure: Figure) -> Html:
    """Light and dark: a drawing can not follow the reader's setting, so the style sheet picks."""
    return join(
        tag(
            "div",
            Html(svg(figure, scheme)),
            class_=f"chart {scheme}-only",
            role="img",
            aria_label=figure.describes,
        )
        for scheme in ("light", "dark")
    )


def _file(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")


def _sections(report: Report, shown: Sequence[Figure], drawings: dict[str, Html]) -> Iterable[Html]:
    yield _header(report)
    yield _cards(report)
    yield _list("Why", facts.about_cause(report), "verdict")
    yield _list("What to fix", facts.about_fixes(report), "fixes")
    groups = {
        name: list(members) for name, members in groupby(shown, key=lambda figure: figure.group)
    }
    yield _figures(CURVES, groups.pop(CURVES, []), drawings, report)
    yield level_table(build(report), report)
    yield within_table(report)
    side_by_side = [*groups.pop(SHARE, []), *groups.pop(LOAD, [])]
    yield _figures("Where the time goes, and the load", side_by_side, drawings, report)
    for name, members in groups.items():
        yield _figures(name, members, drawings, report)
    yield phase_table(report)
    yield _list("What the spikes did", phases.about_spikes(report), "spikes")
    yield _list("Capacity that came late", about_late(report), "late")
    yield _list("Quotas that ran out", about_quotas(report), "quotas")
    yield _list("What drifted over the soak", about_drift(report), "drift")
    yield threshold_table(report)
    yield _list("Calls", facts.about_calls(report), "calls")
    yield _list("Was the generator itself in order?", facts.about_generator(report), "generator")
    yield resource_table(report)
    yield _reproduce(report, shown)


def _header(report: Report) -> Html:
    run = report["run"]
    planted = planted_and_found(report)
    about = facts.about_run(report)
    judged = judgement(report)
    return tag(
        "header",
        tag("span", run["validity"], class_=f"badge {TONE[run['validity']]}"),
        " ",
        tag("span", f"thresholds: {judged.text}", class_=f"badge {TONE[judged.tone]}"),
        tag("h1", report["headline"]),
        tag("p", planted, class_=f"planted {'good' if planted_is_found(report) else 'bad'}")
        if planted
        else "",
        *(tag("p", line, class_="facts") for line in about),
        sources("run"),
    )


def _who_bends(report: Report, first: str) -> str:
    """Of several that can not be told apart each is named."""
    inflection = report["inflection"]
    if inflection["status"] != "ambiguous":
        return f"{first} bends at"
    return f"{' and '.join(each['component'] for each in inflection['candidates'])} bend at"


def _cards(report: Report) -> Html:
    slo, own = report["ceiling"]["slo"], report["ceiling"]["degradation"]
    found = bend_of(report)
    climb = report["inflection"]["climb"] or report["turn_inflection"]["climb"]
    begins = climb["from"] if climb else None
    cards = [
        (
            _who_bends(report, found[0]) if found else "the bend",
            at_calls(found[1].calls, _interval(found[1]))
            if found
            else report["inflection"]["status"].replace("_", " "),
            f"calls; latency climbs from {calls(begins)} on"
            if begins is not None and (found is None or begins < CLIMBS_EARLIER * found[1].calls)
            else f"tested up to {calls(report['inflection']['tested_up_to'])} calls",
        ),
        (
            "within the thresholds",
            f"{calls(slo['calls'])} {calls_range(slo['ci'])}",
            _limit(slo, "no level has enough turns to tell"),
        ),
        (
            "within 2x own baseline",
            f"{calls(own['calls'])} {calls_range(own['ci'])}",
            _limit(own, _why_no_own_ceiling(report)),
        ),
        (
            "headroom",
            "unknown"
            if report["headroom"]["calls"] is None
            else f"{report['headroom']['calls']:+.0f}",
            facts.about_headroom(report).removeprefix("unknown: ").removeprefix("unknown "),
        ),
    ]
    shown = (
        tag("div", tag("span", name), tag("b", value), tag("span", note), class_="card")
        for name, value, note in cards
    )
    return join([tag("div", *shown, class_="cards"), sources("verdict"), sources("carries")])


def _limit(ceiling: Ceiling, why_unknown: str) -> str:
    if ceiling["calls"] is None:
        return why_unknown
    by = f"limited by {ceiling['limited_by']}" if ceiling["limited_by"] else "no limit was reached"
    return f"calls, {by}"


def _why_no_own_ceiling(report: Report) -> str:
    if report["baseline"]["kind"] == "none":
        return "no baseline: tag a run with `ovl runs baseline RUN`"
    if report["baseline"]["kind"] == "own_levels":
        return "no level above the baseline's own has enough turns to tell"
    return "no level has enough turns to tell"


def _interval(bend: Bend) -> tuple[float, float] | None:
    return None if bend.low is None or bend.high is None else (bend.low, bend.high)


def _list(title: str, lines: Sequence[str], numbers_of: str) -> Html:
    if not lines:
        return Html("")
    items = tag("ul", *(tag("li", line) for line in lines))
    return tag("section", tag("h2", title), tag("div", items, sources(numbers_of), class_="panel"))


def _figures(
    title: str, members: Sequence[Figure], drawings: dict[str, Html], report: Report
) -> Html:
    if not members:
        return Html("")
    found = bend_of(report)
    bending = f"latency-{found[0]}" if found else None
    legend = (
        "Solid p50, dashed p95, dotted p99. All charts share their axes, except that one far faster"
        " than the turn begins lower. The line is where the first component bends, the dark"
        " band its 95 % interval, the light band where latency climbs. Diamonds: a level held"
        " after a higher one."
    )
    return tag(
        "section",
        tag("h2", title),
        tag("p", legend, class_="muted") if title == CURVES else "",
        tag(
            "div",
            *(
                tag(
                    "figure",
                    drawings[figure.name],
                    tag("figcaption", tag("code", figure.command)),
                    id=figure.name,
                    class_="bends" if figure.name == bending else None,
                )
                for figure in members
            ),
            class_="figures" if title == CURVES else "figures wide",
        ),
    )


def _reproduce(report: Report, shown: Sequence[Figure]) -> Html:
    run = report["run"]["id"]
    commands = dict.fromkeys(figure.command for figure in shown)
    lines = [
        tag(
            "li",
            tag("code", f"ovl analyze {run}"),
            " this report on a terminal; -f json for all of it",
        ),
        *(tag("li", tag("code", f"{command} -f csv")) for command in commands),
        tag(
            "li", tag("code", f"ovl export {run} -o run.duckdb"), " every span, in one DuckDB file"
        ),
    ]
    return tag(
        "footer",
        tag("h2", "Every figure again"),
        tag("ul", *lines),
        tag("p", f"Next: {report['next_step']}"),
        tag("p", f"otel-voiceload {__version__}. This page makes no request to anywhere."),
    )
