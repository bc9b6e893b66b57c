"""``ovl generate --again RUN``: the plan of a run from the store, and both runs at the end."""

from __future__ import annotations

from dataclasses import replace

import typer

from otel_voiceload.cli.options import Common
from otel_voiceload.cli.reading import opened
from otel_voiceload.reports.compare import CompareOptions, compare
from otel_voiceload.reports.compare_read import read_run
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.render import compare_text
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
    """Compares both runs; on stderr where the result itself is not for people or goes to a file."""
    marked = read_marks(common.store).baselines
    with opened(common, earlier) as (reading, run_id):
        old, made_again = (read_run(reading, each, marked) for each in (run_id, new["run"]["id"]))
    text = compare_text.terminal(compare([old], [made_again], CompareOptions()))
    if common.to_stdout and common.format in (None, "text"):
        typer.echo(f"\n{text}")
    else:
        common.note(text)
