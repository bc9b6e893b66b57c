"""``ovl report``: the page with charts, Markdown, or the charts as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otel_voiceload.cli.options import STDOUT, Common, verb_app, with_common
from otel_voiceload.cli.reading import RunArgument, deliver, opened, written_thresholds
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.page import DEFAULT_PAGE, exhibits_of, write_charts, write_page
from otel_voiceload.reports.render import html

app = verb_app()


@app.command()
@with_common
def report(
    common: Common,
    run: RunArgument = "latest",
    static: Annotated[
        bool,
        typer.Option(
            "--static", help="Finished drawings and no script: opens where scripts don't."
        ),
    ] = False,
    charts: Annotated[
        Path | None,
        typer.Option("--charts", metavar="DIR", help="Write every chart as an SVG file there."),
    ] = None,
    expected_peak: Annotated[
        float | None,
        typer.Option("--expected-peak", min=1, help="Calls you expect at your peak."),
    ] = None,
) -> None:
    """Write one self-contained page: verdict, curves, shares, four turns, thresholds.

    It goes to ovl-report.html, or where -o says; with -f, or a name such as report.md, another form
    of the report. Charts need the extra `report`; without it Markdown is written instead.
    """
    options = ReportOptions(
        thresholds=written_thresholds(common, []),
        expected_peak=expected_peak,
        baselines=read_marks(common.store).baselines,
    )
    with opened(common, run) as (reading, run_id):
        built = build_report(reading, run_id, options)
        exhibits = exhibits_of(reading, built)
    if charts is not None:
        for path in write_charts(built, exhibits, charts):
            common.note(str(path))
        if common.output is None and common.format is None:
            return  # only the charts were asked for
    if common.asked_format is not None:
        deliver(common, built)
    elif common.output == STDOUT:
        common.emit(html.render(built, exhibits, static=static))
    else:
        target = Path(common.output) if common.output is not None else DEFAULT_PAGE
        written = write_page(built, exhibits, target, static=static)
        if written.instead is not None:
            common.warn(written.instead)
        common.note(f"wrote {written.path}")
