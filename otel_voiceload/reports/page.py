"""The report's files: the page with its charts, or Markdown where charts can not be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otel_voiceload.errors import MissingExtra, UsageError
from otel_voiceload.reports.exhibits import Answers, Exhibits, gather
from otel_voiceload.reports.render import html, markdown
from otel_voiceload.reports.render.figures import bend_of, figures
from otel_voiceload.reports.report import Report

CHART_WIDTH: Final = 560
DEFAULT_PAGE: Final = Path("ovl-report.html")


@dataclass(frozen=True, slots=True)
class Written:
    """Where the report went, and why it is not what was asked for; None when it is."""

    path: Path
    instead: str | None


def exhibits_of(reading: Answers, report: Report) -> Exhibits:
    """The rows for this report's charts."""
    found = bend_of(report)
    return gather(reading, report["run"]["id"], found[1].calls if found else None)


def write_page(report: Report, exhibits: Exhibits, path: Path, *, static: bool = False) -> Written:
    """Writes the page; without the extra `report`, Markdown under the same name with ``.md``."""
    try:
        text, instead = html.render(report, exhibits, static=static), None
    except MissingExtra as missing:
        path = path.with_suffix(".md")
        text, instead = markdown.render(report), f"{missing}; wrote Markdown instead"
    _write(path, text)
    return Written(path, instead)


def write_charts(report: Report, exhibits: Exhibits, folder: Path) -> list[Path]:
    """One SVG file per chart, on white paper; MissingExtra without the extra `report`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"can not make the folder {folder}: {error.strerror or error}; give another one"
        ) from error
    written = []
    for figure in figures(report, exhibits, CHART_WIDTH, CHART_WIDTH):
        path = folder / f"{figure.name}.svg"
        _write(path, html.svg(figure, "light", opaque=True))
        written.append(path)
    return written


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"can not write {path}: {error.strerror or error}; give another file with -o"
        ) from error
