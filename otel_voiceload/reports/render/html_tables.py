"""The tables of the page: levels, inside calls, phases, thresholds, what the load took.

And the line below each part of the page that says which queries its numbers come from.
"""

from __future__ import annotations

from typing import Final

from otel_voiceload.reports.render import facts, phases, resources, within
from otel_voiceload.reports.render.grid import BendRow, Grid, LevelRow
from otel_voiceload.reports.render.judgement import about_deciding
from otel_voiceload.reports.render.markup import Html, tag
from otel_voiceload.reports.render.origins import origin
from otel_voiceload.reports.render.phrases import bounds, observed, verdict_of
from otel_voiceload.reports.report import Report

TONE: Final = {
    "valid": "good",
    "degraded": "warn",
    "inconclusive": "bad",
    "pass": "good",
    "fail": "bad",
    "unknown": "warn",
    "not_applicable": "muted",
}


def sources(section: str) -> Html:
    """The queries that a section's numbers come from, in small print."""
    return tag("p", origin(section), class_="muted sources")


def level_table(grid: Grid, report: Report) -> Html:
    width = str(len(grid.columns) + 3)
    head = tag("tr", *(tag("th", name) for name in ("calls", "turns", *grid.columns, "errors")))
    rows = [
        tag("tr", tag("td", f"{row.text} calls", colspan=width), class_="bend")
        if isinstance(row, BendRow)
        else _level(row)
        for row in grid.rows
    ]
    notes = [f"unattributed {facts.about_unattributed(report)}", *facts.about_counted(report)]
    if grid.has_unknown:
        notes.append("? is unknown: too few turns at that level")
    whole = facts.about_whole_run(report)
    return tag(
        "section",
        tag("h2", "Seconds by component and calls held, p50 / p95"),
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", *rows), class_="numbers"),
            *(tag("p", note, class_="muted") for note in notes),
            sources("levels"),
            *(tag("p", f"whole run: {line}", class_="muted") for line in whole),
            *([sources("whole")] if whole else []),
            class_="panel scroll",
        ),
    )


def within_table(report: Report) -> Html:
    made = within.build(report)
    if not made.rows:
        return Html("")
    head = tag("tr", *(tag("th", name) for name in ("calls", *made.columns, *within.SPREAD)))
    rows = [
        tag(
            "tr",
            tag("td", f"{row.calls} again" if row.again else row.calls),
            *(tag("td", f"{cell.p50} / {cell.p95}" if cell else "") for cell in row.cells),
            *(tag("td", each) for each in row.spread),
        )
        for row in made.rows
    ]
    notes = [*within.about_within(report), within.LEGEND]
    if made.has_unknown:
        notes.append("? is unknown: fewer than 6 turns, or calls with three")
    return tag(
        "section",
        tag("h2", f"{within.TITLE}, p50 / p95"),
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", *rows), class_="numbers"),
            *(tag("p", note, class_="muted") for note in notes),
            sources("within"),
            class_="panel scroll",
        ),
    )


def _level(row: LevelRow) -> Html:
    notes = [note for note in (row.errors, row.excluded_why) if note]
    return tag(
        "tr",
        tag("td", f"{row.calls} again" if row.again else row.calls),
        tag("td", row.turns),
        *(
            tag("td", f"{cell.p50} / {cell.p95}", class_="bent" if cell.bent else None)
            for cell in row.cells
        ),
        tag("td", "; ".join(notes) or "none"),
    )


def phase_table(report: Report) -> Html:
    rows = phases.rows(report)
    if not rows:
        return Html("")
    head = tag("tr", *(tag("th", name) for name in (*phases.COLUMNS, "verdict", "note")))
    body = [
        tag(
            "tr",
            *(tag("td", cell) for cell in row.cells),
            tag("td", row.verdict or "", class_=TONE.get(row.verdict or "")),
            tag("td", "; ".join(row.notes), class_="muted"),
        )
        for row in rows
    ]
    table = tag("table", tag("thead", head), tag("tbody", *body), class_="numbers")
    title = tag("h2", "Phases, seconds of whole turns")
    return tag("section", title, tag("div", table, sources("phases"), class_="panel scroll"))


def threshold_table(report: Report) -> Html:
    censored_at = report["turn_latency"]["censored_at_s"]
    head = tag(
        "tr",
        *(
            tag("th", name)
            for name in ("threshold", "observed", "95 % bounds", "verdict", "written by")
        ),
    )
    rows = [
        tag(
            "tr",
            tag("td", tag("code", f"{result['metric']} {result['expression']}")),
            tag("td", observed(result, censored_at)),
            tag("td", bounds(result, censored_at)),
            tag("td", verdict_of(result), class_=TONE[result["verdict"]]),
            tag("td", "you" if result["written_by_user"] else "the method"),
        )
        for result in report["thresholds"]
    ]
    body = (
        tag("table", tag("thead", head), tag("tbody", *rows), class_="verdicts")
        if rows
        else tag("p", "None were judged.")
    )
    notes = (tag("p", line, class_="muted") for line in about_deciding(report))
    below = [*notes, sources("thresholds")]
    return tag("section", tag("h2", "Thresholds"), tag("div", body, *below, class_="panel scroll"))


def resource_table(report: Report) -> Html:
    rows = resources.rows(report)
    if not rows:
        return Html("")
    head = tag("tr", *(tag("th", name) for name in resources.COLUMNS))
    body = (tag("tr", *(tag("td", cell) for cell in row)) for row in rows)
    lines = tag("ul", *(tag("li", line) for line in resources.about_resources(report)))
    return tag(
        "section",
        tag("h2", "What the load took of the machines, in the order of the run"),
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", *body), class_="numbers"),
            tag("p", f"{resources.UNITS}.", class_="muted"),
            lines,
            sources("resources"),
            class_="panel scroll",
        ),
    )
