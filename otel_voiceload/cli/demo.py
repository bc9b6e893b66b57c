"""``ovl demo``: plant a limit in the bundled agent and see it found."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from otel_voiceload.cli.options import Common, page_to_write, verb_app, with_common
from otel_voiceload.loading import ended_at_once

app = verb_app()


@app.command()
@with_common
def demo(
    common: Common,
    plant: Annotated[
        str, typer.Option("--plant", help="COMPONENT[:CALLS]: stt, llm, tts; or none.")
    ] = "llm:48",
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="Length of the ramp.")] = 45.0,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every draw.")] = 1,
    page: Annotated[
        Path, typer.Option("--report", callback=page_to_write, help="Where the page goes.")
    ] = Path("ovl-report.html"),
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser afterwards.")
    ] = False,
) -> None:
    """Plant a limit in the bundled agent, ramp over it on loopback, and print planted and found.

    Leaves with 0 when what was found is what was planted, 99 when not, and 4 when the generator was
    the limit.
    """
    with ended_at_once():
        from otel_voiceload.cli.reading import FORMATS, conclude
        from otel_voiceload.runner.demo import DemoPlan, play_demo, verdict
        from otel_voiceload.runner.screen import Screen

    common.one_of(*FORMATS)  # before the load, not after it
    screen = Screen(sys.stderr, quiet=common.quiet, no_color=common.no_color)
    outcome = play_demo(DemoPlan(plant, seconds, seed, common.store), screen)
    report = conclude(common, outcome.run_id, page, outcome.interrupted)
    if open_page:
        webbrowser.open(page.resolve().as_uri())
    raise typer.Exit(outcome.interrupted or verdict(plant, report))
