"""The ``ovl`` command and its table of verbs.

A verb costs nothing until it is called: help and completion read the table below, and only the verb
that was typed is imported. ``ovl --help`` is what people type first and what completion runs on
every press of the tab key, so it may not wait for numpy or DuckDB.

To add a verb: a module with ``app = verb_app()`` holding one command (or several, for a verb with
words of its own, such as ``ovl runs tag``), and one entry here.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from otel_voiceload import __version__
from otel_voiceload.cli.environment import PREFIX
from otel_voiceload.cli.plain_words import plain
from otel_voiceload.errors import ExitCode, OvlError
from otel_voiceload.loading import ended_at_once

if TYPE_CHECKING:
    # The types of what typer hands to a group; it exports them under no public name.
    from typer._click.core import Command
    from typer._click.core import Context as AnyContext

ENVIRONMENT_PREFIX: Final = PREFIX.removesuffix("_")
VERBOSE: Final = "ovl.verbose"  # key in a context's meta, set by -v as soon as it is read


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    module: str
    group: str  # heading in the help
    help: str  # one line; the verb's own docstring says more


RUN: Final = "Run"
READ: Final = "Read"
MANAGE: Final = "Manage"

VERBS: Final = (
    Verb(
        "demo",
        "otel_voiceload.cli.demo",
        RUN,
        "Find a limit planted in the bundled agent: a ramp of 45 s on loopback, and its report.",
    ),
    Verb(
        "generate",
        "otel_voiceload.cli.generate",
        RUN,
        "Call a voice agent, many calls at once, and say what bent first.",
    ),
    Verb(
        "check",
        "otel_voiceload.cli.check",
        RUN,
        "Say whether everything is there for a load test, with one call to the target.",
    ),
    Verb(
        "agent", "otel_voiceload.cli.agent", RUN, "Serve the reference agent with limits you set."
    ),
    Verb("stop", "otel_voiceload.cli.stop", RUN, "Stop a run from another terminal."),
    Verb("collect", "otel_voiceload.cli.collect", RUN, "Receive OTLP into the store."),
    Verb(
        "import",
        "otel_voiceload.cli.import_file",
        MANAGE,
        "Store a file of somebody's traces: OTLP JSON lines or protobuf.",
    ),
    Verb(
        "analyze",
        "otel_voiceload.cli.analyze",
        READ,
        "Say what bent first and at how many calls, with thresholds and exit code.",
    ),
    Verb(
        "compare",
        "otel_voiceload.cli.compare",
        READ,
        "Compare runs with intervals, and gate on what got worse.",
    ),
    Verb(
        "plan",
        "otel_voiceload.cli.plan",
        READ,
        "Say what bends next if something changes, and what so many calls ask for.",
    ),
    Verb(
        "report",
        "otel_voiceload.cli.report",
        READ,
        "Write one self-contained page with charts (HTML, Markdown, SVG).",
    ),
    Verb(
        "query",
        "otel_voiceload.cli.query",
        READ,
        "Run a report query by name, or SQL of your own, read-only.",
    ),
    Verb(
        "doctor",
        "otel_voiceload.cli.doctor",
        READ,
        "Say whether a run's spans can be trusted, before its numbers are.",
    ),
    Verb("runs", "otel_voiceload.cli.runs", MANAGE, "List, show, tag and remove recorded runs."),
    Verb(
        "export",
        "otel_voiceload.cli.export",
        MANAGE,
        "Copy a run out as OTLP JSON lines, Parquet, CSV or one .duckdb file.",
    ),
)


class Verbs(TyperGroup):
    """A group that knows its verbs' names and help without importing them."""

    def list_commands(self, ctx: AnyContext) -> list[str]:
        return [verb.name for verb in VERBS]

    def get_command(self, ctx: AnyContext, cmd_name: str) -> Command | None:
        """A stand-in that carries the help line; help and completion need nothing more."""
        for verb in VERBS:
            if verb.name == cmd_name:
                return TyperCommand(verb.name, help=verb.help, rich_help_panel=verb.group)
        return None

    def resolve_command(
        self, ctx: AnyContext, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        self.commands = {name: TyperCommand(name) for name in self.list_commands(ctx)}
        name, stand_in, rest = super().resolve_command(ctx, args)
        if name is None or stand_in is None:
            return name, stand_in, rest
        return name, load_verb(name), rest

    def invoke(self, ctx: AnyContext) -> object:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except OvlError as error:
            complain(str(error))
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError as error:
            nobody_reads()
            raise typer.Exit(ExitCode.OK) from error
        except Exception as error:
            if str(error) == "Query interrupted":  # as DuckDB passes a Ctrl-C on
                raise typer.Exit(ExitCode.INTERRUPTED) from error
            if ctx.meta.get(VERBOSE):
                raise
            complain(f"internal error: {describe(error)}; run with -v for the traceback")
            raise typer.Exit(ExitCode.INTERNAL) from error


def nobody_reads() -> None:
    """`ovl query ... | head`: the reader had enough.

    Python flushes stdout once more at exit and would complain then, so it gets somewhere to flush
    to.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def load_verb(name: str) -> Command:
    """Imports a verb. Its options may then be set as ``OVL_<OPTION>`` too, whatever the verb."""
    module = next(verb.module for verb in VERBS if verb.name == name)
    with ended_at_once():
        loaded = import_module(module)
    command = typer.main.get_command(loaded.app)
    command.name = name
    pending = [command]
    while pending:
        current = pending.pop()
        current.context_settings["auto_envvar_prefix"] = ENVIRONMENT_PREFIX
        current.context_settings["help_option_names"] = ["-h", "--help"]
        for option in current.params:
            if isinstance(option, TyperOption):
                option.envvar = variable_of(option)
                option.show_envvar = False  # the same for all: said once, in ovl --help
        if isinstance(current, TyperGroup):
            pending += current.commands.values()
    return command


def word_of(option: TyperOption) -> str:
    """An option's name in files and in the environment: ``max_calls``, as it is typed.

    Only ``--config`` is what its verb calls it: there may be two, and one names the file itself.
    """
    typed = max(option.opts, key=len).lstrip("-").replace("-", "_")
    return str(option.name) if typed == "config" else typed


def variable_of(option: TyperOption) -> str:
    return f"{PREFIX}{word_of(option).upper()}"


def all_variables() -> set[str]:
    """What can be set in the environment, of every verb; imports all of them."""
    found: set[str] = set()
    pending: list[Command] = [load_verb(verb.name) for verb in VERBS]
    while pending:
        current = pending.pop()
        found |= {variable_of(each) for each in current.params if isinstance(each, TyperOption)}
        if isinstance(current, TyperGroup):
            pending += current.commands.values()
    return found


def describe(error: BaseException) -> str:
    """An exception on one line: an error of ours that nobody foresaw may hold a whole page."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def complain(message: str) -> None:
    """One line on stderr, however many the message had."""
    typer.echo(f"ovl: {plain(message)}", err=True)


app = typer.Typer(
    name="ovl",
    cls=Verbs,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every option can also be set as OVL_<OPTION> or in ovl.yaml; the command line wins.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ovl {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def ovl(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Load testing for voice AI agents: which component bends first, and at how many calls."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def script() -> NoReturn:
    """Entry point of the ``ovl`` script: ``main``, and no Ctrl-C while the interpreter goes down.

    numpy's algebra keeps to one thread here and in the processes that this one starts: ours is of
    small matrices, and the others would turn for 0.1 s of a core for nothing while numpy loads.

    A Ctrl-C that came while it waits for its threads would take the exit code with it and leave a
    traceback behind. What is registered with ``atexit`` runs later than that.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # who set it has a reason
    try:
        main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def main() -> NoReturn:
    """From the words typed to the end, with the exit codes of ``errors.ExitCode``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal of another encoding gets a ?
    try:
        code = app(prog_name="ovl", standalone_mode=False)
    except typer.TyperException as error:
        what = error.format_message().rstrip(".")
        complain(f"{what} - see {_words_before_options(error)} --help")
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = ExitCode.INTERRUPTED
    except SystemExit as error:
        # `ovl --help | head`: rich, which prints the help, takes a reader that left for an error.
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        code = ExitCode.OK
    sys.exit(code if isinstance(code, int) else ExitCode.OK)


def _words_before_options(error: typer.TyperException) -> str:
    """``ovl runs tag`` of ``ovl runs tag --bad``: where the help that is meant can be found."""
    context = getattr(error, "ctx", None)
    if context is not None:
        return str(context.command_path)
    known = {verb.name for verb in VERBS}
    return " ".join(["ovl", *(word for word in sys.argv[1:2] if word in known)])
