"""``ovl export``: a run out of the store, in a form that other tools read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from otel_voiceload.cli.options import STDOUT, Common, verb_app, with_common
from otel_voiceload.errors import UsageError
from otel_voiceload.reports import copies

app = verb_app()


@app.command()
@with_common
def export(
    common: Common,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Id, tag, latest, baseline, a .duckdb file; all: also spans of no run.",
        ),
    ] = "latest",
    kind: Annotated[
        copies.Kind | None,
        typer.Option("--as", help="What to write, when the name of the file does not say it."),
    ] = None,
    view: Annotated[
        str, typer.Option("--view", help="What Parquet and CSV hold: turns, calls, otel_spans ...")
    ] = "turns",
) -> None:
    """Copy a run out: one .duckdb file, OTLP JSON lines, Parquet or CSV, by the name of -o.

    Examples: `ovl export -o run.duckdb`, `ovl export friday -o friday.jsonl`,
    `ovl export latest --view component_spans -o components.parquet`.
    Without -o the OTLP JSON lines go to stdout. `ovl export all` writes whatever the store holds,
    such as the spans that `ovl collect` took in without any run.
    """
    if common.output is None or common.output == STDOUT:
        if kind not in (None, "otlp"):
            raise UsageError(f"{kind} does not go to stdout: name a file with -o")
        with copies.source(common.store, run) as (connection, run_id):
            for line in copies.lines(connection, run_id):
                sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
        return
    path = Path(common.output)
    kind = kind or copies.kind_of(path)
    run_id = copies.write(common.store, run, path, kind, view)
    of_view = f", the view {view}" if kind in ("parquet", "csv") else ""
    common.note(f"{run_id} -> {path} ({path.stat().st_size:,} bytes{of_view})")
    if of_view and run_id == copies.ALL and "view" not in common.typed:
        common.note("spans of no run are in no turn: --view otel_spans holds every span")
