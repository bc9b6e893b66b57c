"""The report as Markdown, for pull requests, wikis and a build server's summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from otel_voiceload.reports.render import facts, phases, resources
from otel_voiceload.reports.render.drift import about_drift
from otel_voiceload.reports.render.grid import NOT_SPLIT, BendRow, Cell, Grid, LevelRow, build
from otel_voiceload.reports.render.late import about_late, about_quotas
from otel_voiceload.reports.render.phrases import bounds, observed, planted_and_found, verdict_of
from otel_voiceload.reports.report import Report


def render(report: Report) -> str:
    run = report["run"]
    planted = planted_and_found(report)
    blocks = [
        f"# {escape(report['headline'])}",
        f"**{run['validity'].upper()}** · thresholds **{report['verdict']}**"
        + (f" · {escape(planted)}" if planted else ""),
        bullets(facts.about_run(report)),
        *section("Why", bullets(facts.about_cause(report))),
        *section(
            "How far it carries",
            bullets([*facts.about_ceilings(report), f"headroom {facts.about_headroom(report)}"]),
        ),
        *section("What to fix", bullets(facts.about_fixes(report))),
        *section("Seconds by component and calls held (p50 / p95)", levels(build(report))),
        f"Unattributed: {escape(facts.about_unattributed(report))}.",
        *section("Phases", phase_table(report)),
        *section("Spikes", bullets(phases.about_spikes(report))),
        *section("Capacity that came late", bullets(about_late(report))),
        *section("Quotas that ran out", bullets(about_quotas(report))),
        *section("Drift", bullets(about_drift(report))),
        *section("Thresholds", thresholds(report)),
        *section("Calls", bullets(facts.about_calls(report))),
        *section("Generator", bullets(facts.about_generator(report))),
        *section("Resources", resource_table(report)),
        bullets(resources.about_resources(report)),
        *section("Next", escape(report["next_step"])),
    ]
    return "\n\n".join(block for block in blocks if block)


def section(title: str, body: str) -> tuple[str, ...]:
    """A heading and its body, or nothing when there is no body."""
    return (f"## {title}", body) if body else ()


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


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


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return NOT_SPLIT
    return f"**{cell.p50} / {cell.p95}**" if cell.bent else f"{cell.p50} / {cell.p95}"


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


def resource_table(report: Report) -> str:
    rows = resources.rows(report)
    return f"{table(resources.COLUMNS, rows)}\n\n{resources.UNITS}" if rows else ""


def thresholds(report: Report) -> str:
    if not report["thresholds"]:
        return "None were judged."
    censored_at = report["turn_latency"]["censored_at_s"]
    return table(
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


def escape(text: str) -> str:
    """User text must not become markup: a tag with a pipe would break the table it stands in."""
    for sign in "\\`*_[]|":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
