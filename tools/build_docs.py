"""The generated documents: cli.md from the commands, queries.md and views.md from the SQL.

They describe things that change often and that a reader must be able to trust. ``make docs`` writes
them; ``tests/test_docs.py`` fails while they lag behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from typer.core import TyperArgument, TyperGroup, TyperOption

from otel_voiceload.cli import main as cli
from otel_voiceload.cli.options import COMMON_NAMES
from otel_voiceload.store.catalogue import PUBLIC_VIEWS, catalogue, queries_folder
from otel_voiceload.store.open import open_store

if TYPE_CHECKING:
    from typer._click.core import Command, Parameter

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- Written by `make docs`; change the source instead. -->"


def cli_reference() -> str:
    parts = [
        "# Command line",
        NOTE,
        "The result goes to stdout and the progress to stderr.\n"
        "Every option can also be set as `OVL_<OPTION>` or in `ovl.yaml`; "
        "the command line wins, then the environment, then the file.\n"
        "[Exit codes](exit-codes.md) say how it went.",
    ]
    commands = {verb.name: cli.load_verb(verb.name) for verb in cli.VERBS}
    groups = list(dict.fromkeys(verb.group for verb in cli.VERBS))
    for group in groups:
        rows = [
            f"- [`ovl {verb.name}`](#ovl-{verb.name}): {verb.help}"
            for verb in cli.VERBS
            if verb.group == group
        ]
        parts += [f"**{group}**", "\n".join(rows)]
    parts += ["## Common options", "Every command takes these.", common_options(commands.values())]
    for verb in cli.VERBS:
        parts += list(command_reference(f"ovl {verb.name}", commands[verb.name], "##"))
    return "\n\n".join(parts) + "\n"


def command_reference(path: str, command: Command, heading: str) -> Iterable[str]:
    yield f"{heading} {path}"
    own = [p for p in command.params if p.name not in COMMON_NAMES and p.name != "help"]
    arguments = [p for p in own if isinstance(p, TyperArgument)]
    words = "".join(f" {argument_word(p)}" for p in arguments)
    if isinstance(command, TyperGroup):
        words += " COMMAND"
    yield f"```\n{path}{words} [OPTIONS]\n```"
    if command.help:
        yield prose(command.help)
    if own:
        yield options_table(own)
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from command_reference(f"{path} {name}", inner, heading + "#")


def common_options(commands: Iterable[Command]) -> str:
    first = next(c for c in commands if {p.name for p in c.params} >= COMMON_NAMES)
    return options_table([p for p in first.params if p.name in COMMON_NAMES])


def options_table(params: Iterable[Parameter]) -> str:
    rows = [f"| {names(p)} | {meaning(p)} | {default(p)} |" for p in params]
    return "\n".join(["| option | meaning | default |", "|---|---|---|", *rows])


def argument_word(param: TyperArgument) -> str:
    word = (param.metavar or param.name or "").strip("[]").upper()
    return word if param.required else f"[{word}]"


def names(param: Parameter) -> str:
    if isinstance(param, TyperArgument):
        return f"`{escape(argument_word(param).strip('[]'))}`"
    long_first = sorted([*param.opts, *param.secondary_opts], key=lambda name: -len(name))
    shown = ", ".join(f"`{name}`" for name in long_first)
    metavar = (param.metavar or "") if isinstance(param, TyperOption) else ""
    return f"{shown} `{metavar}`" if metavar else shown


def meaning(param: Parameter) -> str:
    text = getattr(param, "help", None) or ""
    if getattr(param, "multiple", False) and "repeatable" not in text.lower():
        text += " Repeatable."
    return escape(text)


def default(param: Parameter) -> str:
    shown = getattr(param, "show_default", None)
    if isinstance(shown, str):
        return escape(shown)
    value = param.default
    if callable(value) or value in (None, False, "", (), []):
        return ""
    return f"`{escape(str(getattr(value, 'value', value)))}`"


def prose(text: str) -> str:
    """A docstring's paragraphs with one sentence per line; typer's own marks taken out."""
    paragraphs = [" ".join(part.split()) for part in text.replace("\b", "").split("\n\n")]
    return "\n\n".join(paragraph.replace(". ", ".\n") for paragraph in paragraphs if paragraph)


def escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def queries_reference() -> str:
    parts = [
        "# Queries",
        NOTE,
        "Every question that a report asks is an SQL file in `queries/`.\n"
        "`ovl query NAME` runs it, `ovl query --show NAME` prints it, and `-f json` gives row "
        "objects.\n"
        "The views they read are described in [views.md](views.md).",
    ]
    for query in catalogue().values():
        columns = ", ".join(f"`{column}`" for column in query.columns)
        reads = ", ".join(f"`{view}`" for view in query.reads)
        parts += [
            f"## {query.name}",
            f"{query.title.rstrip('.')}.\n{query.question}",
            f"Columns: {columns}.\nReads: {reads}.",
        ]
    return "\n\n".join(parts) + "\n"


def views_reference() -> str:
    parts = [
        "# Views",
        NOTE,
        "What your own SQL may rely on: `ovl query 'select * from turns limit 5'`.\n"
        "More columns may be added; these stay.\n"
        "Columns ending in `_s` are seconds.",
    ]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "recordings").mkdir()
        with open_store(Path(folder)) as reading:
            tables = {view: reading.sql(f"select * from {view} limit 0") for view in PUBLIC_VIEWS}
    for view, table in tables.items():
        columns = zip(table.columns, table.types, strict=True)
        rows = [f"| `{name}` | {kind.lower()} |" for name, kind in columns]
        parts += [
            f"## {view}",
            comment_of(queries_folder() / "views" / f"{view}.sql"),
            "\n".join(["| column | type |", "|---|---|", *rows]),
        ]
    return "\n\n".join(parts) + "\n"


def comment_of(path: Path) -> str:
    """The comment that a view's file begins with, one sentence per line."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("--"):
            break
        lines.append(line[2:].strip())
    return prose(" ".join(lines))


GENERATED = {
    "cli.md": cli_reference,
    "queries.md": queries_reference,
    "views.md": views_reference,
}


def main() -> None:
    for name, text in GENERATED.items():
        (DOCS / name).write_text(text(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
