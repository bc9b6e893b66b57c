"""``ovl query``: the report's own questions by name, or SQL of the user's, read-only."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.errors import UsageError
from otel_voiceload.reports import asking
from otel_voiceload.reports.render import rows
from otel_voiceload.reports.runs import open_to_ask
from otel_voiceload.store.reading import Table

app = verb_app()


@app.command()
@with_common
def query(
    common: Common,
    question: Annotated[
        str | None,
        typer.Argument(metavar="SQL|NAME", help="A query's or view's name, or SQL; - reads stdin."),
    ] = None,
    run: Annotated[
        str, typer.Option("--run", help="The run that a name is asked about, and $run_id in SQL.")
    ] = "latest",
    param: Annotated[
        list[str] | None, typer.Option("--param", help="NAME=VALUE for $NAME in the query.")
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="List what can be asked by name.")
    ] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the SQL instead of running it.")] = (
        False
    ),
) -> None:
    """Ask the store: a report query by name, a view, or SQL of your own. Nothing can be changed.

    Examples: `ovl query turn_share`, `ovl query levels --run baseline -f csv`,
    `ovl query "select outcome, count(*) from calls where run_id = $run_id group by all"`.
    """
    form = common.one_of("text", "json", "csv", "md")
    if show_list:
        listed = asking.listed()
        common.emit(rows.in_words(listed.rows) if form == "text" else _rendered(form, listed))
        return
    if question is None:
        raise UsageError("what is the question? give SQL or a name; `ovl query --list` shows names")
    if question == "-":
        question = sys.stdin.read()
    if show:
        common.emit(asking.text_of(question))
        return
    parameters = asking.parameters_of(param or [])
    reading, run_id = open_to_ask(common.store, run)
    with reading:
        for note in reading.notes:
            common.note(note)
        common.emit(_rendered(form, asking.ask(reading, question, run_id, parameters)))


def _rendered(form: str, table: Table) -> str:
    for known in ("json", "csv", "md"):
        if form == known:
            return rows.render(known, table.columns, table.rows)
    return rows.render("text", table.columns, table.rows)
