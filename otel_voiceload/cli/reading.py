"""What the verbs that read a run share: finding it, building its report, handing that out.

``generate`` and ``demo`` end with the same words: a report is delivered here, whoever made the run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from otel_voiceload.analysis import thresholds
from otel_voiceload.capacity.durations import duration_s
from otel_voiceload.capacity.plan_file import PlanFile
from otel_voiceload.cli.options import Common, Format
from otel_voiceload.errors import ExitCode, OvlError, UsageError
from otel_voiceload.loading import ended_at_once
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.report import Report
from otel_voiceload.reports.runs import open_selected
from otel_voiceload.store.reading import Reading

FORMATS: Final[tuple[Format, ...]] = ("text", "json", "csv", "md", "junit", "github")
RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Id, a tag, latest, baseline, or a .duckdb file."),
]


@contextmanager
def opened(common: Common, selector: str) -> Iterator[tuple[Reading, str]]:
    """The store opened and the run found; what could not be read is said on stderr."""
    reading, run_id = open_selected(common.store, selector)
    with reading:
        for note in reading.notes:
            common.note(note)
        yield reading, run_id


def written_thresholds(
    common: Common,
    on_command_line: Sequence[str],
    components: thresholds.Components | None = None,
) -> tuple[thresholds.Threshold, ...]:
    """What the user promised: on the command line, else for other metrics in the file.

    Components are those of the run that is there already; a file may be meant for other runs.
    """
    found = [each for text in on_command_line for each in thresholds.parse(text, components)]
    named = {each.name for each in found}
    in_file = thresholds.from_mapping(common.thresholds)
    return (*found, *(each for each in in_file if each.name not in named))


def components_of(reading: Reading, run_id: str) -> set[str]:
    """Those that the run has timing of."""
    rows = reading.query("component_sources", run_id=run_id)
    return {str(row["component"]) for row in rows}


def declared_in(limits: Path | None) -> PlanFile:
    """What the file of ``--limits`` says; ConfigError with line and key where it can not be."""
    if limits is None:
        return PlanFile()
    with ended_at_once():  # pydantic takes longer to load than a small run takes to be read
        from otel_voiceload.capacity.declared import load_plan_file
    return load_plan_file(limits)


def deliver(common: Common, report: Report) -> None:
    """Writes a report in the format asked for.

    Only that one's renderer is loaded: who reads JSON should not wait for tables and their words.
    """
    form = common.one_of(*FORMATS)
    match form:
        case "text":
            from otel_voiceload.reports.render import terminal

            color = common.to_stdout and common.color_on(sys.stdout)
            text = terminal.render(report, color=color)
        case "json":
            from otel_voiceload.reports.render import json

            text = json.render(report)
        case "csv":
            from otel_voiceload.reports.render import csv

            text = csv.render(report)
        case "md":
            from otel_voiceload.reports.render import markdown

            text = markdown.render(report)
        case "junit":
            from otel_voiceload.reports.render import junit

            text = junit.render(report)
        case "github":
            from otel_voiceload.reports.render import github

            for command in github.commands(report):
                typer.echo(command, err=True)
            text = github.render(report)
    common.emit(text)


def conclude(
    common: Common, run_id: str, page: Path | None, interrupted: ExitCode | None = None
) -> Report:
    """What a run ends with: its report in the format asked for, and the page where one was.

    One that was interrupted may have come to nothing yet; it leaves with that code all the same.
    """
    options = ReportOptions(baselines=read_marks(common.store).baselines)
    try:
        with opened(common, run_id) as (reading, found):
            report = build_report(reading, found, options)
            if page is not None:
                # Charts and all: for those who asked for the page.
                from otel_voiceload.reports.page import exhibits_of, write_page

                written = write_page(report, exhibits_of(reading, report), page)
    except OvlError as error:
        if interrupted is None:
            raise
        common.warn(str(error))
        raise typer.Exit(interrupted) from error
    deliver(common, report)
    if page is not None:
        if written.instead is not None:
            common.warn(written.instead)
        common.note(f"wrote {written.path}")
    return report


def unix_ns(text: str | None, started_ns: int) -> int | None:
    """A moment of a run: a time in ISO 8601, or a length since its start, such as ``90s``.

    A time without a zone is UTC, as all times of a report are.
    """
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        try:
            return _in_reach(started_ns + round(duration_s(text) * 1e9), text)
        except UsageError:
            raise UsageError(
                f"{text!r} is no moment: write a time such as 2026-11-23T10:15:00, or 90s after"
                " the run's start"
            ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return _in_reach(round(when.timestamp() * 1e9), text)


def _in_reach(at_ns: int, text: str) -> int:
    """As it is; UsageError when no recording can hold that time."""
    if not 0 <= at_ns < 2**62:
        raise UsageError(f"{text!r} lies outside of all times that can be recorded")
    return at_ns
