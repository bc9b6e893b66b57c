"""The report as Markdown, for pull requests, wikis and a build server's summary."""

from __future__ import annotations

from otel_voiceload.reports.render import facts, phases, resources, split, within
from otel_voiceload.reports.render.drift import about_drift
from otel_voiceload.reports.render.grid import BendRow, Cell, Grid, LevelRow, build
from otel_voiceload.reports.render.judgement import about_deciding, judgement
from otel_voiceload.reports.render.late import about_late, about_quotas
from otel_voiceload.reports.render.markdown_parts import bullets, escape, origin, section, table
from otel_voiceload.reports.render.phrases import bounds, observed, planted_and_found, verdict_of
from otel_voiceload.reports.report import Report


def render(report: Report) -> str:
    run = report["run"]
    planted = planted_and_found(report)
    blocks = [
        f"# {escape(report['headline'])}",
        f"**{run['validity'].upper()}** · thresholds **{judgement(report).text}**"
        + (f" · {escape(planted)}" if planted else ""),
        bullets(facts.about_run(report)),
        origin("run"),
        *section("Why", bullets(facts.about_cause(report)), "verdict"),
        *section(
            "How far it carries",
            bullets([*facts.about_ceilings(report), f"headroom {facts.about_headroom(report)}"]),
            "carries",
        ),
        *section("What to fix", bullets(facts.about_fixes(report)), "fixes"),
        *section("Seconds by component and calls held (p50 / p95)", level_part(report), "levels"),
        *section("Components over the whole run", bullets(facts.about_whole_run(report)), "whole"),
        *section(f"{within.TITLE} (p50 / p95)", within_part(report), "within"),
        *section(f"Seconds {escape(split.title(report))}", split_part(report), "split"),
        *section("Phases", phase_table(report), "phases"),
        *section("Spikes", bullets(phases.about_spikes(report)), "spikes"),
        *section("Capacity that came late", bullets(about_late(report)), "late"),
        *section("Quotas that ran out", bullets(about_quotas(report)), "quotas"),
        *section("Drift", bullets(about_drift(report)), "drift"),
        *section("Thresholds", thresholds(report), "thresholds"),
        *section("Calls", bullets(facts.about_calls(report)), "calls"),
        *section("Generator", bullets(facts.about_generator(report)), "generator"),
        *section("Resources", resource_part(report), "resources"),
        *section("Next", escape(report["next_step"])),
    ]
    return "\n\n".join(block for block in blocks if block)


def level_part(report: Report) -> str:
    notes = [f"unattributed {facts.about_unattributed(report)}", *facts.about_counted(report)]
    return f"{levels(build(report))}\n\n{bullets(notes)}"


def levels(grid: Grid) -> str:
    """One row per level; the bend is a row of its own, since Markdown draws no line."""
    if not grid.rows:
        return "No level was held."
    rows = []
    for row in grid.rows:
        if isinstance(row, BendRow):
            rows.append([f"**{escape(row.text)}**", *[""] * (len(grid.columns) + 2)])
        else:
            rows.append(_level(row))
    body = table(["calls", "turns", *map(escape, grid.columns), "errors"], rows)
    return f"{body}\n\n? is unknown: too few turns at that level." if grid.has_unknown else body


def _level(row: LevelRow) -> list[str]:
    cells = [_cell(cell) for cell in row.cells]
    notes = [note for note in (row.errors, row.excluded_why) if note]
    held = f"{row.calls} (again)" if row.again else row.calls
    return [held, row.turns, *cells, escape("; ".join(notes)) or "none"]


def _cell(cell: Cell) -> str:
    return f"**{cell.p50} / {cell.p95}**" if cell.bent else f"{cell.p50} / {cell.p95}"


def within_part(report: Report) -> str:
    made = within.build(report)
    if not made.rows:
        return ""
    rows = [
        [
            f"{row.calls} (again)" if row.again else row.calls,
            *(f"{cell.p50} / {cell.p95}" if cell else "" for cell in row.cells),
            *row.spread,
        ]
        for row in made.rows
    ]
    notes = [*within.about_within(report), within.LEGEND]
    if made.has_unknown:
        notes.append("? is unknown: fewer than 6 turns, or calls with three")
    return f"{table(['calls', *made.columns, *within.SPREAD], rows)}\n\n{bullets(notes)}"


def split_part(report: Report) -> str:
    rows = split.rows(report)
    if not rows:
        return escape(split.nobody_says(report))
    return table(split.COLUMNS, [[escape(cell) for cell in row] for row in rows])


def phase_table(report: Report) -> str:
    rows = phases.rows(report)
    if not rows:
        return ""
    return table(
        [*phases.COLUMNS, "verdict", "note"],
        [
            [*map(escape, row.cells), row.verdict or "", escape("; ".join(row.notes))]
            for row in rows
        ],
    )


def resource_part(report: Report) -> str:
    rows = resources.rows(report)
    if not rows:
        return ""
    lines = bullets(resources.about_resources(report))
    return f"{table(resources.COLUMNS, rows)}\n\n{resources.UNITS}\n\n{lines}"


def thresholds(report: Report) -> str:
    if not report["thresholds"]:
        return "None were judged."
    censored_at = report["turn_latency"]["censored_at_s"]
    rows = table(
        ["threshold", "observed", "95 % bounds", "verdict", "written by"],
        [
            [
                f"`{result['metric']}` `{result['expression']}`",
                escape(observed(result, censored_at)),
                escape(bounds(result, censored_at)),
                escape(verdict_of(result)),
                "you" if result["written_by_user"] else "the method",
            ]
            for result in report["thresholds"]
        ],
    )
    lines = bullets(about_deciding(report))
    return f"{rows}\n\n{lines}" if lines else rows
