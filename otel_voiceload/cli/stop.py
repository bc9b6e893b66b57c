"""``ovl stop [RUN]``: the kill switch from another terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.errors import OvlError

app = verb_app()


@app.command()
@with_common
def stop(
    common: Common,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]", help="Id, the beginning of one, a tag or latest; else the only one."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Stop every run of the store.")] = False,
    wait: Annotated[
        str, typer.Option("--wait", help="How long to wait for the end; 0s does not wait.")
    ] = "30s",
) -> None:
    """Stop a run: no new calls within a second, every call down within five.

    What was recorded stays and can be analysed at once. The run itself makes its report of it and
    leaves with 130.
    """
    from otel_voiceload.capacity.durations import duration_s
    from otel_voiceload.reports.render import rows
    from otel_voiceload.runner import stop as stopping

    form, wait_s = common.one_of("text", "json"), duration_s(wait)
    running = stopping.find_running(common.store)
    chosen = running if every and running else stopping.choose(running, run, common.store)
    for each in chosen:
        stopping.ask(common.store, each)
        common.note(f"stopping {each.words()}")
    left = {each.run_id for each in stopping.wait_over(common.store, chosen, wait_s)}
    states = [(each.run_id, each.run_id not in left) for each in chosen]
    if form == "json":
        common.emit(rows.render("json", ("run_id", "stopped"), states))
    else:
        words = {True: "has stopped", False: "was told to stop"}
        common.emit("\n".join(f"{run_id} {words[over]}" for run_id, over in states))
    if any(over for _, over in states):
        common.note("no call is up and all is stored; where it was started its report is made now")
    if left and wait_s > 0:
        pids = " ".join(str(each.pid) for each in chosen if each.run_id in left)
        raise OvlError(f"not over after {wait}: {', '.join(sorted(left))}; kill {pids} ends it")
