"""``ovl compare``: is this run worse than those, by more than chance, and which component is it?"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from otel_voiceload.cli.options import Common, Format, verb_app, with_common
from otel_voiceload.errors import UsageError
from otel_voiceload.reports.compare import CompareOptions, Comparison, compare, exit_code
from otel_voiceload.reports.compare_select import read_sides
from otel_voiceload.reports.compare_series import KINDS, known_names, name_of
from otel_voiceload.reports.render import compare_text

app = verb_app()

_WORD: Final = re.compile(r"^(?:(?P<name>[^=]*)=)?(?P<number>\d+(?:\.\d+)?)(?P<unit>%|pp|x)$")


@app.command("compare")
@with_common
def compare_runs(
    common: Common,
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="The runs to compare with: an id, a file, baseline, a tag that several runs"
            " share, or several with commas between.",
        ),
    ],
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The runs to compare, said as BASE.")
    ] = "latest",
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            "--tolerance",
            help="What may get worse: 10% (turn p95), llm=20%, completion=2pp, knee=10%.",
        ),
    ] = None,
    single: Annotated[
        bool,
        typer.Option("--single", help="Decide also with fewer than three runs on a side."),
    ] = False,
) -> None:
    """Compare runs: each figure's difference with an interval, and which component explains it.

    By default a completion that drops by over 5 points fails, and a p95 over twice that of BASE.
    With fewer than three runs a side nothing is decided, since two runs of the same thing differ.
    Leaves with 99 when something is worse than tolerated, 4 when that can not be decided.
    """
    form = common.one_of("text", "json", "md", "junit", "github")
    options = CompareOptions(tolerances(tolerance or []), single)
    sides = read_sides(common.store, base, run)
    for note in sides.notes:
        common.note(note)
    made = compare(sides.base, sides.run, options)
    _deliver(common, form, made)
    raise typer.Exit(exit_code(made, options))


def _deliver(common: Common, form: Format, made: Comparison) -> None:
    """Writes a comparison in that form; what only machines read is loaded for them."""
    match form:
        case "json":
            from otel_voiceload.reports.render import compare_ci

            text = compare_ci.to_json(made)
        case "junit":
            from otel_voiceload.reports.render import compare_ci

            text = compare_ci.junit(made)
        case "github":
            from otel_voiceload.reports.render import compare_ci

            for command in compare_ci.commands(made):
                typer.echo(command, err=True)
            text = compare_text.markdown(made)
        case "md":
            text = compare_text.markdown(made)
        case _:
            color = common.to_stdout and common.color_on(sys.stdout)
            text = compare_text.terminal(made, color=color)
    common.emit(text)


def tolerances(words: Sequence[str]) -> dict[str, float]:
    """What may get worse, by figure: growth of a latency, share of calls, points of a rate."""
    found = {}
    for word in words:
        parts = _WORD.match(word.strip())
        if parts is None:
            raise UsageError(
                f"The tolerance {word!r} is not understood: write 10%, p95=10%, llm=1.5x,"
                " completion=2pp or knee=10%."
            )
        name = name_of((parts["name"] or "p95").strip())
        if name is None:
            raise UsageError(f"The tolerance {word!r} names no figure: known are {known_names()}.")
        number, unit, kind = float(parts["number"]), parts["unit"], KINDS[name]
        fits = {"seconds": ("%", "x"), "calls": ("%",)}.get(kind, ("pp",))
        if unit not in fits or (unit == "x" and number < 1):
            raise UsageError(
                f"The tolerance {word!r}: that of {name} is in {' or '.join(fits)}"
                f"{', 1x or more' if 'x' in fits else ''}."
            )
        found[name] = number - 1 if unit == "x" else number / 100
    return found
