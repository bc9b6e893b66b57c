"""``ovl plan``: what bends next if something changes, and what so many calls ask for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otel_voiceload.analysis.changes import parse_change
from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.cli.reading import declared_in, opened
from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.loading import ended_at_once
from otel_voiceload.reports.build import ReportOptions, examine
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.plan import PlanOptions, exit_code, plan_of_run, plan_without_run
from otel_voiceload.reports.plan_file import as_yaml
from otel_voiceload.reports.plan_types import Plan
from otel_voiceload.reports.render import plan_csv, plan_text

if TYPE_CHECKING:
    from otel_voiceload.capacity.prices import Prices

app = verb_app()


@app.command()
@with_common
def plan(
    common: Common,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Id, a tag, latest, baseline, or a .duckdb file; --target-calls needs none.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="What changes: llm.capacity=2x, llm.capacity=16, stt.latency=80ms."
        ),
    ] = None,
    target_calls: Annotated[
        int | None,
        typer.Option("--target-calls", help="Say what so many calls at once ask for."),
    ] = None,
    expected_peak: Annotated[
        float | None,
        typer.Option("--expected-peak", help="Calls at your peak: fixes in milliseconds there."),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option("--limits", help="What your providers grant, and assumptions (YAML)."),
    ] = None,
    cost: Annotated[
        Path | None, typer.Option("--cost", help="Prices (YAML), for what the target calls cost.")
    ] = None,
    print_assumptions: Annotated[
        bool,
        typer.Option("--print-assumptions", help="Write the --limits file, ready to edit."),
    ] = False,
) -> None:
    """Say what bends next if something changes, and what providers must grant for so many calls.

    A measured run is played again in virtual time with the change made. Limits of other components
    than the one that bent come from the --limits file, since no run shows them; without it there
    are bounds. Leaves with 4 when the run can not tell.
    """
    form = common.one_of("text", "json", "csv", "md")
    declared = declared_in(limits)
    options = PlanOptions(
        changes=tuple(parse_change(each) for each in changes or ()),
        target_calls=target_calls,
        expected_peak=expected_peak,
        written=declared,
        file="" if limits is None else limits.name,
        prices=_prices(cost),
    )
    if problems := options.problems():
        raise UsageError("; ".join(problems))
    made = _planned(common, run, options, only_inputs=print_assumptions)
    if print_assumptions:
        common.emit(as_yaml(made["inputs"], declared.limits))
        return
    match form:
        case "json":
            text = plan_csv.to_json(made)
        case "csv":
            text = plan_csv.to_csv(made)
        case "md":
            text = plan_text.markdown(made)
        case _:
            color = common.to_stdout and common.color_on(sys.stdout)
            text = plan_text.terminal(made, color=color)
    common.emit(text)
    raise typer.Exit(exit_code(made))


def _prices(cost: Path | None) -> Prices | None:
    if cost is None:
        return None
    with ended_at_once():  # pydantic, as for --limits
        from otel_voiceload.capacity.prices import load_prices
    return load_prices(cost)


def _planned(common: Common, run: str | None, options: PlanOptions, *, only_inputs: bool) -> Plan:
    """Of the run that was named; of the latest where one is needed; else of assumptions."""
    needs_run = bool(options.changes) or (options.target_calls is None and not only_inputs)
    if run is None and not needs_run:
        return plan_without_run(options, only_inputs=only_inputs)
    try:
        with opened(common, run or "latest") as (reading, run_id):
            asked = ReportOptions(
                expected_peak=options.expected_peak, baselines=read_marks(common.store).baselines
            )
            examined = examine(reading, run_id, asked)
            return plan_of_run(reading, run_id, examined, options)
    except StoreError as error:
        if run is not None:
            raise
        raise StoreError(
            f"{error} A plan without a run takes --target-calls N and assumptions alone."
        ) from error
