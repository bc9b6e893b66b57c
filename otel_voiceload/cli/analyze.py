"""``ovl analyze``: what bent first, how far it carries, thresholds, and the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.cli.reading import (
    FORMATS,
    RunArgument,
    components_of,
    declared_in,
    deliver,
    opened,
    unix_ns,
    written_thresholds,
)
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.errors import UsageError
from otel_voiceload.reports.build import ReportOptions, build_report, exit_code
from otel_voiceload.reports.build_split import attribute_of
from otel_voiceload.reports.marks import read_marks

app = verb_app()


@app.command()
@with_common
def analyze(
    common: Common,
    run: RunArgument = "latest",
    component: Annotated[
        str | None, typer.Option("--component", help="Show only this one: stt, llm, tts, network.")
    ] = None,
    expected_peak: Annotated[
        float | None,
        typer.Option(
            "--expected-peak", min=1, help="Calls you expect at your peak: gives the headroom."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only from here: a time, or 90s after the run began."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Only up to here, said as for --since.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="ATTRIBUTE", help="Split latency by provider, model, scenario, or any."
        ),
    ] = None,
    background_calls: Annotated[
        float,
        typer.Option(
            "--background-calls",
            min=0,
            help="Calls that were on the target already: N* and ceilings count them.",
        ),
    ] = 0.0,
    threshold: Annotated[
        list[str] | None,
        typer.Option("--threshold", help="A promise to judge, such as turn_latency:p95<2s."),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option("--limits", help="What your providers grant (YAML): numbers for the fixes."),
    ] = None,
) -> None:
    """Say what bent first and at how many calls, how far the target carries, and what to fix.

    Leaves with 0 when every threshold that you wrote held, 99 when one failed, 4 when the data can
    not say. The method's own thresholds are shown and never set the exit code.
    """
    common.one_of(*FORMATS)  # what can not be written is said at once
    declared = declared_in(limits)
    with opened(common, run) as (reading, run_id):
        promised = written_thresholds(
            common, threshold or [], lambda: components_of(reading, run_id)
        )
        started = reading.query("run_facts", run_id=run_id)[0]["started_ns"]
        started_ns = started if isinstance(started, int) else 0
        options = ReportOptions(
            thresholds=promised,
            expected_peak=expected_peak,
            component=component,
            since_ns=unix_ns(since, started_ns),
            until_ns=unix_ns(until, started_ns),
            baselines=read_marks(common.store).baselines,
            declared=declared,
            declared_in="" if limits is None else limits.name,
            background_calls=background_calls,
            by=None if by is None else attribute_of(by),
        )
        report = build_report(reading, run_id, options)
    if component is not None and component not in COMPONENTS and not report["components"]:
        known = ", ".join(COMPONENTS)
        raise UsageError(f"the run has no component {component!r}; choose one of {known}")
    deliver(common, report)
    raise typer.Exit(exit_code(report))
