"""``ovl doctor``: whether the spans of a run can be trusted, before its numbers are.

Every check is a query of its own (``doctor_*``) that gives one row for each thing it looked at, so
`ovl query` shows the same rows, and a new check is a new file.
"""

from __future__ import annotations

import typer

from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.cli.reading import RunArgument, opened
from otel_voiceload.errors import ExitCode
from otel_voiceload.reports.doctor import examined
from otel_voiceload.reports.render import doctor as words
from otel_voiceload.reports.render import rows

app = verb_app()


@app.command()
@with_common
def doctor(common: Common, run: RunArgument = "latest") -> None:
    """Look for spans that would mislead the analysis, and say what it leaves out because of them.

    Zero or impossible latencies, mixed conversations, orphans, clocks that disagree, components
    told twice, sampled traces, missing components, and how traces were joined to the run. Leaves
    with 4 when a check failed: then the run can not carry a conclusion about components.
    """
    form = common.one_of("text", "json", "csv", "md")
    with opened(common, run) as (reading, run_id):
        found = examined(reading, run_id)
    for known in ("json", "csv", "md"):
        if form == known:
            common.emit(rows.render(known, found.columns, found.rows))
    if form == "text":
        common.emit(words.render(run_id, found.rows))
    if found.failed:
        raise typer.Exit(ExitCode.INCONCLUSIVE)
