"""The report on a terminal: validity, the verdict sentence, then what it rests on, in 80 columns.

Written by hand rather than by a table library, because the order of reading is the point: whether
to believe it, what bent, how far it carries, then the figures.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Final

from otel_voiceload.reports.render import facts, phases, resources, split, within
from otel_voiceload.reports.render.drift import about_drift
from otel_voiceload.reports.render.grid import BendRow, Cell, Grid, LevelRow, build
from otel_voiceload.reports.render.judgement import about_deciding, judgement
from otel_voiceload.reports.render.late import about_late, about_quotas
from otel_voiceload.reports.render.origins import origin
from otel_voiceload.reports.render.phrases import bounds, observed, planted_and_found, verdict_of
from otel_voiceload.reports.report import Report, ThresholdResult

WIDTH: Final = 80
LABEL: Final = 11  # columns before a paragraph
COMPONENT_COLUMNS: Final = 5  # more do not fit beside calls and turns
NUMBER_COLUMNS: Final = 5  # of groups of turns, beside calls and the spread

_CODES: Final = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "strong": "1", "bend": "1;35"}
_VALIDITY: Final = {"valid": "good", "degraded": "warn", "inconclusive": "bad"}
_VERDICT: Final = {
    "pass": "good",
    "fail": "bad",
    "unknown": "warn",
    "inconclusive": "bad",
    "not_applicable": "dim",
}

_SHORT: Final = {"unattributed": "rest", "text_aggregation": "aggregation"}

Paint = Callable[[str, str], str]


def _coloured(text: str, tone: str) -> str:
    return f"\x1b[{_CODES[tone]}m{text}\x1b[0m"


def _plain(text: str, tone: str) -> str:
    return text


def render(report: Report, *, color: bool = False) -> str:
    paint = _coloured if color else _plain
    return "\n".join(
        [
            *_validity(report, paint),
            "",
            *_verdict(report, paint),
            "",
            *_carries(report, paint),
            "",
            *_levels(report, paint),
            "",
            *_within(report, paint),
            *_split(report, paint),
            *_phases(report, paint),
            *_thresholds(report, paint),
            *_origin("thresholds", paint),
            "",
            *_paragraph("calls", facts.about_calls(report), paint),
            *_origin("calls", paint),
            *_paragraph("generator", facts.about_generator(report), paint),
            *_origin("generator", paint),
            "",
            *_resources(report, paint),
            *_paragraph("next", [report["next_step"]], paint),
        ]
    )


def _validity(report: Report, paint: Paint) -> list[str]:
    validity = report["run"]["validity"]
    first, *rest = facts.about_run(report)
    word = paint(validity.upper(), _VALIDITY[validity])
    gap = " " * max(2, LABEL + 2 - len(validity))
    lines = _wrap(first, WIDTH - LABEL - 2)
    return [
        f"{word}{gap}{lines[0]}",
        *(" " * (LABEL + 2) + line for line in lines[1:]),
        *(
            paint(" " * (LABEL + 2) + line, "dim")
            for each in rest
            for line in _wrap(each, WIDTH - LABEL - 2)
        ),
        *_origin("run", paint),
    ]


def _verdict(report: Report, paint: Paint) -> list[str]:
    lines = [f"  {paint(line, 'strong')}" for line in _wrap(report["headline"], WIDTH - 4)]
    planted = planted_and_found(report)
    if planted is not None:
        lines.append(f"  {planted}")
    return lines


def _carries(report: Report, paint: Paint) -> list[str]:
    """What the verdict rests on and how far it carries."""
    lines = _paragraph("because", facts.about_cause(report), paint)
    lines += _origin("verdict", paint) if lines else []
    lines += _paragraph("ceilings", facts.about_ceilings(report), paint)
    lines += _paragraph("headroom", [facts.about_headroom(report)], paint)
    lines += _origin("carries", paint)
    return [*lines, *_told("fix", facts.about_fixes(report), "fixes", paint)]


def _levels(report: Report, paint: Paint) -> list[str]:
    grid = build(report, limit=COMPONENT_COLUMNS - 1)
    head = f"{'calls':>9}{'turns':>7}" + "".join(f"{_short(name):>12}" for name in grid.columns)
    lines = [
        paint("  SECONDS, p50 and p95, by calls held", "strong"),
        paint(head, "dim"),
    ]
    for row in grid.rows:
        lines += _bend_line(row, paint) if isinstance(row, BendRow) else _level_lines(row, paint)
    if not grid.rows:
        lines.append("  no level was held")
    lines.append("")
    lines += _paragraph("rest", [f"unattributed {facts.about_unattributed(report)}"], paint)
    lines += _paragraph("", [*facts.about_counted(report), *_left_out(report, grid)], paint)
    lines += _origin("levels", paint)
    return [*lines, *_told("whole run", facts.about_whole_run(report), "whole", paint)]


def _bend_line(row: BendRow, paint: Paint) -> list[str]:
    return [paint(f"    ── {row.text} calls ".ljust(WIDTH - 2, "─"), "bend")]


def _level_lines(row: LevelRow, paint: Paint) -> list[str]:
    cells = "".join(_cell(cell, paint) for cell in row.cells)
    held = f"again {row.calls}" if row.again else row.calls
    notes = [(row.errors, "warn"), (row.excluded_why and f"not counted: {row.excluded_why}", "dim")]
    return [
        f"{held:>9}{row.turns:>7}{cells}",
        *(paint(" " * 18 + note, tone) for note, tone in notes if note),
    ]


def _cell(cell: Cell, paint: Paint) -> str:
    wide = len(cell.p95) > 4  # >0.37, which would stand on the p50
    text = f"{cell.p50:>6} {cell.p95}" if wide else f"{cell.p50:>7}{cell.p95:>5}"
    return paint(text, "bend") if cell.bent else text


def _short(name: str) -> str:
    return _SHORT.get(name, name if len(name) <= 11 else name[:10] + ".")


def _left_out(report: Report, grid: Grid) -> list[str]:
    lines = []
    if grid.has_unknown:
        lines.append("? is unknown: too few turns at that level")
    missing = [each["component"] for each in report["components"] if each["role"] == "unobserved"]
    if missing:
        lines.append(f"unobserved: {', '.join(missing)}")
    more = [
        each["component"]
        for each in report["components"]
        if each["curve"] and each["component"] not in (*grid.columns, "unattributed")
    ]
    if more:
        lines.append(f"not shown for width: {', '.join(more)} (ovl analyze -f md)")
    return lines


def _within(report: Report, paint: Paint) -> list[str]:
    """Latency by the number of the turn: p50 alone, as more does not fit beside the spread."""
    table = within.build(report)
    if not table.rows:
        return []
    shown = within.shortened(table, NUMBER_COLUMNS)

    def line(held: str, cells: Sequence[str], spread: Sequence[str]) -> str:
        numbers = "".join(f"{cell:>8}" for cell in cells)
        return f"{held:>9}{numbers}" + "".join(f"{each:>9}" for each in spread)

    lines = [
        paint("  WITHIN CALLS, p50 in seconds by the number of the turn in its call", "strong"),
        paint(line("calls", shown.columns, within.SPREAD), "dim"),
    ]
    for row in shown.rows:
        held = f"again {row.calls}" if row.again else row.calls
        lines.append(line(held, [cell.p50 if cell else "" for cell in row.cells], row.spread))
    notes = [within.LEGEND]
    if table.has_unknown:
        notes.append("? is unknown: fewer than 6 turns, or calls with three")
    if left := [name for name in table.columns if name not in shown.columns]:
        notes.append(f"not shown for width: turns {', '.join(left)} (ovl analyze -f md)")
    return [
        *lines,
        *(paint(f"  {part}", "dim") for note in notes for part in _wrap(note, WIDTH - 2)),
        "",
        *_paragraph("turns", within.about_within(report), paint),
        *_origin("within", paint),
        "",
    ]


def _split(report: Report, paint: Paint) -> list[str]:
    """What ``--by`` asked for: nothing without it."""
    rows = split.rows(report)
    if not rows:
        nobody = split.nobody_says(report)
        head = paint(f"  SECONDS {split.title(report)}", "strong")
        return [head, f"  {nobody}", ""] if nobody else []

    def line(cells: Sequence[str]) -> str:
        name, value, *figures, ends = cells
        padded = "".join(
            f"{text:>{width}}" for text, width in zip(figures, (7, 8, 8, 8), strict=True)
        )
        return f"  {_short(name):<12}{value[:18]:<19}{padded}  {ends}".rstrip()

    return [
        paint(f"  SECONDS {split.title(report)}", "strong"),
        paint(line(split.COLUMNS), "dim"),
        *map(line, rows),
        *_origin("split", paint),
        "",
    ]


def _phases(report: Report, paint: Paint) -> list[str]:
    rows = phases.rows(report)
    below = _told("spikes", phases.about_spikes(report), "spikes", paint)
    below += _told("late", about_late(report), "late", paint)
    below += _told("quotas", about_quotas(report), "quotas", paint)
    below += _told("drift", about_drift(report), "drift", paint)
    if not rows:
        return [*below, ""] if below else []
    name, load, *figures = phases.COLUMNS
    head = f"  {name:<16}{load:>9}" + _figure_cells(figures)
    lines = [paint("  PHASES, seconds of whole turns", "strong"), paint(head, "dim")]
    for row in rows:
        name, load, *figures = row.cells
        lines.append(f"  {name[:15]:<16}{load:>9}" + _figure_cells(figures))
        if row.verdict is not None:
            verdict = paint(row.verdict.replace("_", " "), _VERDICT[row.verdict])
            lines.append(f"{'':18}its own thresholds: {verdict}")
        lines += [
            paint(" " * 18 + part, "dim") for note in row.notes for part in _wrap(note, WIDTH - 18)
        ]
    lines += _origin("phases", paint)
    return [*lines, "", *([*below, ""] if below else [])]


def _resources(report: Report, paint: Paint) -> list[str]:
    """What the load took, level by level in the order of the run, and what a call more costs."""
    rows = resources.rows(report)
    if not rows:
        return []
    widths = (7, 7, 11, 7, 7, 7, 8, 10, 7)

    def line(cells: Sequence[str]) -> str:
        padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        return "".join(padded)

    return [
        paint("  RESOURCES, by level in the order of the run", "strong"),
        paint(line(resources.COLUMNS), "dim"),
        *map(line, rows),
        paint(f"  {resources.UNITS}", "dim"),
        "",
        *_paragraph("cost", resources.about_resources(report), paint),
        *_origin("resources", paint),
        "",
    ]


def _figure_cells(figures: Sequence[str]) -> str:
    """Seven columns: calls, turns, three latencies, completed, errors."""
    return "".join(
        f"{text:>{width}}" for text, width in zip(figures, (7, 7, 6, 6, 6, 11, 9), strict=True)
    )


def _thresholds(report: Report, paint: Paint) -> list[str]:
    results = report["thresholds"]
    if not results:
        return _paragraph("thresholds", ["none were judged"], paint)
    said = judgement(report)
    lines = [
        paint("  THRESHOLDS ", "strong") + paint(said.text, _VERDICT[said.tone]),
        paint(f"  {'':<26}{'observed':>9}  {'95% bounds':<16}verdict", "dim"),
    ]
    censored_at = report["turn_latency"]["censored_at_s"]
    for result in results:
        lines += _threshold(result, censored_at, paint)
    return [*lines, *_paragraph("", about_deciding(report), paint)]


def _threshold(result: ThresholdResult, censored_at_s: float | None, paint: Paint) -> list[str]:
    name = f"{result['metric']} {result['expression']}"
    left = f"  {name:<26}"
    lines = []
    if len(left) > 28:
        lines.append(left.rstrip())
        left = " " * 28
    if result["verdict"] == "not_applicable":
        head, seen = left, ""
    else:
        # One more than the column when bounds are in points: never without a space behind them.
        seen = f"{observed(result, censored_at_s):>9}  {bounds(result, censored_at_s):<15} "
        head = left
    room = WIDTH - len(left) - len(seen)
    first, *rest = _wrap(verdict_of(result), room)
    tone = _VERDICT[result["verdict"]]
    lines.append(head + seen + paint(first, tone))
    lines += [" " * (WIDTH - room) + paint(part, tone) for part in rest]
    return lines


def _origin(section: str, paint: Paint) -> list[str]:
    """Where the numbers above come from, so that anybody can ask for them again."""
    return [
        paint(" " * (LABEL + 2) + line, "dim") for line in _wrap(origin(section), WIDTH - LABEL - 2)
    ]


def _paragraph(label: str, parts: list[str], paint: Paint) -> list[str]:
    """A label in the margin and its lines beside it; nothing when there is nothing to say."""
    wrapped = [line for part in parts for line in _wrap(part, WIDTH - LABEL - 2)]
    margins = [f"  {label:<{LABEL}}", *[" " * (LABEL + 2)] * len(wrapped)]
    return [paint(margin, "dim") + line for margin, line in zip(margins, wrapped, strict=False)]


def _told(label: str, parts: list[str], section: str, paint: Paint) -> list[str]:
    """A paragraph and where its numbers come from; nothing when there is nothing to say."""
    return [*_paragraph(label, parts, paint), *_origin(section, paint)] if parts else []


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]
