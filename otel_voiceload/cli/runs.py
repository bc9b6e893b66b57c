"""``ovl runs``: what is in the store, under which names, how large, and how to be rid of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.errors import UsageError
from otel_voiceload.reports import runs as inventory
from otel_voiceload.reports import trend as trends
from otel_voiceload.reports.compare_series import known_names, name_of
from otel_voiceload.reports.marks import read_marks, write_marks
from otel_voiceload.reports.render import rows
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Table

if TYPE_CHECKING:
    from typer._click.core import Context as AnyContext


class ListFirst(TyperGroup):
    """``ovl runs`` alone, or with options only, lists."""

    def parse_args(self, ctx: AnyContext, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = verb_app()
app.info.cls = ListFirst

Run = Annotated[
    str, typer.Argument(metavar="RUN", help="Id, the beginning of one, a tag, latest or baseline.")
]


@app.callback()
def runs() -> None:
    """List, show, tag and remove recorded runs; `ovl runs` alone lists them."""


@app.command("list")
@with_common
def list_runs(common: Common) -> None:
    """All runs of the store, the newest first.

    Their validity is that of their reports. In a large store only the newest are judged: of others
    it is `?`, and null in JSON; `ovl runs show RUN` judges any of them.
    """
    with open_store(common.store) as reading:
        for note in reading.notes:
            common.note(note)
        table = inventory.listed(reading, read_marks(common.store))
    text = common.one_of("text", "json", "csv", "md") == "text"
    _emit(common, inventory.brief(table) if text else table)
    unjudged = sum(row["validity"] is None for row in table.dicts())
    if unjudged:
        common.note(f"validity of {unjudged} not looked at, for time: `ovl runs show RUN` does")


@app.command()
@with_common
def show(common: Common, run: Run = "latest") -> None:
    """One run: what it says of itself, and its stages."""
    reading, run_id = inventory.open_selected(common.store, run)
    with reading:
        table = inventory.shown(reading, run_id)
        stages = inventory.stages_of(reading, run_id)
    if common.one_of("text", "json", "csv", "md") == "text":
        tags = ", ".join(read_marks(common.store).tags_of(run_id))
        facts = [*zip(table.columns, table.rows[0], strict=True), ("tags given later", tags)]
        said = [(name, rows.shown(value)) for name, value in facts if value not in ("",)]
        below = rows.render("text", stages.columns, stages.rows)
        common.emit(f"{rows.in_words(said)}\n\n{below}")
    else:
        _emit(common, table)


@app.command()
@with_common
def tag(
    common: Common,
    run: Run,
    name: Annotated[str, typer.Argument(metavar="TAG", help="The name to give, or to take away.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away.")] = False,
) -> None:
    """Give a run a name that stands for it wherever RUN is asked for."""
    reading, run_id = inventory.open_selected(common.store, run)
    reading.close()
    marks = read_marks(common.store)
    write_marks(common.store, marks.untagged(name) if remove else marks.tagged(name, run_id))
    common.note(f"{run_id} is {'no longer ' if remove else ''}{name}")


@app.command()
@with_common
def baseline(common: Common, run: Run = "latest") -> None:
    """Mark a run as the baseline for later runs of the same target, wire, scenario and clips."""
    reading, run_id = inventory.open_selected(common.store, run)
    reading.close()
    write_marks(common.store, read_marks(common.store).with_baseline(run_id))
    common.note(f"{run_id} is the baseline")


@app.command()
@with_common
def trend(
    common: Common,
    metric: Annotated[
        str,
        typer.Argument(metavar="METRIC", help="A figure of `ovl compare`: p95, llm, knee, ..."),
    ] = "p95",
    run: Annotated[
        str, typer.Option("--run", help="The newest run to show; those like it come before.")
    ] = "latest",
    last: Annotated[int, typer.Option("--last", min=2, help="How many runs at most.")] = 12,
) -> None:
    """One figure over the runs of one target, oldest first, and where it took a step."""
    name = name_of(metric)
    if name is None:
        raise UsageError(f"there is no figure {metric!r}: known are {known_names()}")
    form = common.one_of("text", "json", "csv", "md")
    reading, run_id = inventory.open_selected(common.store, run)
    with reading:
        found = trends.trend(reading, run_id, name, last, read_marks(common.store))
    _emit(common, trends.brief(found.table, name) if form == "text" else found.table)
    for note in found.notes:
        if form == "text" and common.to_stdout:
            typer.echo(note)
        else:
            common.note(note)


@app.command()
@with_common
def sizes(common: Common) -> None:
    """Recordings with their bytes on disk, and the runs in each.

    A recording of the state `no shutdown` is what a killed collector left; it can be read as well.
    """
    found = inventory.sizes(common.store)
    text = common.one_of("text", "json", "csv", "md") == "text"
    _emit(common, inventory.brief_sizes(found) if text else inventory.sized(found))
    if empty := sum(not each.holds_anything for each in found):
        common.note(f"{empty} of them hold nothing: `ovl runs rm --empty` removes them")


@app.command()
@with_common
def rm(
    common: Common,
    run: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN...]", help="The runs to remove; a recording without any by its own id."
        ),
    ] = None,
    empty: Annotated[
        bool,
        typer.Option("--empty", help="Remove the recordings that hold nothing, as failed starts."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs for good. A recording goes as a whole, so all of its runs must be named."""
    if not run and not empty:
        raise UsageError("what should go? name runs, or say --empty; `ovl runs sizes` lists all")
    ids, doomed = inventory.to_remove(common.store, run or [], empty)
    if not doomed:
        common.note("there is nothing to remove")
        return
    freed = sum(each.bytes for each in doomed)
    without = [each.recording_id for each in doomed if not each.runs]
    names = ", ".join([*sorted(ids), *without])
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"nobody is there to confirm that {names} may go; use --yes")
    if not yes and not typer.confirm(f"Remove {names} ({freed:,} bytes)?"):
        raise UsageError("nothing was removed")
    inventory.remove(doomed)
    write_marks(common.store, read_marks(common.store).without(ids))
    common.note(f"removed {names}, {freed:,} bytes")


def _emit(common: Common, table: Table) -> None:
    form = common.one_of("text", "json", "csv", "md")
    for known in ("json", "csv", "md"):
        if form == known:
            common.emit(rows.render(known, table.columns, table.rows))
            return
    common.emit(rows.render("text", table.columns, table.rows))
