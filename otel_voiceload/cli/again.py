"""``ovl generate --again RUN``: the plan of a run from the store, and both runs at the end."""

from __future__ import annotations

from dataclasses import replace

import typer

from otel_voiceload.cli.options import Common
from otel_voiceload.cli.reading import opened
from otel_voiceload.reports import side_by_side
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.report import Report
from otel_voiceload.runner.again import same_again
from otel_voiceload.runner.plan import Again, RunPlan


def plan_of(common: Common, selector: str, plan: RunPlan) -> RunPlan:
    """``plan`` with the load of an earlier run.

    Raises:
        UsageError: there is no such run, or it can not be made again.
    """
    with opened(common, selector) as (reading, run_id):
        facts = reading.query("run_facts", run_id=run_id)[0]
    kept = facts["plan"]
    made = same_again(plan, kept if isinstance(kept, str) else None, run_id)
    voices = Again(run_id, str(facts["scenario_hash"]), str(facts["clip_pack"]))
    return replace(made, again=voices)


def beside(common: Common, earlier: str, new: Report) -> None:
    """Shows both runs; on stderr where the result itself is not for people or goes to a file."""
    with opened(common, earlier) as (reading, run_id):
        options = ReportOptions(baselines=read_marks(common.store).baselines)
        old = build_report(reading, run_id, options)
    table = side_by_side.text(old, new)
    if common.to_stdout and common.format in (None, "text"):
        typer.echo(f"\n{table}")
    else:
        common.note(table)
