"""The options that every verb takes, read once and handed to the verb as one value.

A verb is written as ``def analyze(common: Common, run: ...)`` under ``@with_common``; the decorator
puts the options themselves in place of the first parameter, so that they stand in every verb's help
in the same words. Precedence: command line, then ``OVL_<OPTION>``, then the configuration file,
then the default; the parser does the first two and the last, the file enters as its map of
defaults.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, Literal, ParamSpec, TextIO

import typer
from typer.core import TyperOption

from otel_voiceload.cli.config_file import defaults_for, read_config, thresholds_of
from otel_voiceload.cli.environment import refuse_unknown
from otel_voiceload.cli.main import VERBOSE, VERBS, all_variables, variable_of, word_of
from otel_voiceload.cli.plain_words import plain
from otel_voiceload.errors import UsageError

Format = Literal["text", "json", "csv", "md", "junit", "github"]

# What the name of a result file says where -f says nothing; of other names the verb's own form.
FORM_OF: Final[Mapping[str, Format]] = {
    ".json": "json",
    ".csv": "csv",
    ".md": "md",
    ".markdown": "md",
    ".xml": "junit",
    ".txt": "text",
}
PAGES: Final = (".html", ".htm")

DEFAULT_CONFIG: Final = Path("ovl.yaml")
DEFAULT_STORE: Final = Path("ovl-store")
COMMON_PANEL: Final = "Common options"
STDOUT: Final = "-"

P = ParamSpec("P")


def verb_app() -> typer.Typer:
    """What a verb's module calls ``app``; completion is installed once, on ``ovl`` itself."""
    return typer.Typer(
        add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False
    )


@dataclass(frozen=True, slots=True)
class Common:
    """What the common options came to."""

    store: Path
    format: Format | None  # None: not asked for, the verb's own default
    output: str | None  # None: not asked for; "-" is stdout
    quiet: bool
    verbose: bool
    no_color: bool
    thresholds: Mapping[str, tuple[str, ...]]  # of the configuration file: metric -> expressions
    typed: frozenset[str] = frozenset()  # parameters given on the command line, this time

    @property
    def asked_format(self) -> Format | None:
        """That of ``-f``, else what the name of the result file says; None: neither says any."""
        return self.format or FORM_OF.get(self._suffix)

    def one_of(self, *formats: Format) -> Format:
        """The format asked for, or the first of those that this verb can write."""
        asked = self.asked_format
        by_name = "" if self.format else f", which {self.output} asks for by its name"
        if asked is None and self._suffix in PAGES:
            raise UsageError(
                f"this verb writes no HTML into {self.output}: `ovl report` does, or say -f"
            )
        if asked is not None and asked not in formats:
            raise UsageError(
                f"this verb does not write {asked!r}{by_name}; choose one of {', '.join(formats)}"
            )
        return asked or formats[0]

    @property
    def _suffix(self) -> str:
        return "" if self.to_stdout else Path(str(self.output)).suffix.lower()

    def color_on(self, stream: TextIO) -> bool:
        """Whether to colour what goes to ``stream``: a terminal, unless somebody said otherwise."""
        if self.no_color or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def to_stdout(self) -> bool:
        return self.output in (None, STDOUT)

    def emit(self, text: str) -> None:
        """Writes the result: to stdout, or to the file of ``-o``."""
        if self.output is None or self.output == STDOUT:
            try:
                sys.stdout.write(text if text.endswith("\n") else text + "\n")
                sys.stdout.flush()  # verbs that serve go on for hours after what they say here
            except BrokenPipeError:
                raise  # the reader had enough
            except OSError as error:
                raise UsageError(
                    f"can not write the result to stdout: {error.strerror or error};"
                    " give a file with -o"
                ) from error
            return
        write_text(Path(self.output), text)

    def warn(self, message: str) -> None:
        """Says what is not as it was asked for, on stderr, also with ``-q``."""
        typer.echo(f"ovl: {plain(message)}", err=True)

    def note(self, message: str) -> None:
        """Says how it goes, on stderr; ``-q`` silences it."""
        if not self.quiet:
            typer.echo(message, err=True)


def refuse_unwritable(path: Path, option: str) -> None:
    """Raises UsageError for a result file that can not be: before a run, not after it."""
    if path.is_dir():
        raise UsageError(f"can not write {path}: it is a folder; give a file with {option}")
    if not path.parent.is_dir():
        raise UsageError(
            f"can not write {path}: there is no folder {path.parent}; make it, or give another"
            f" file with {option}"
        )


def page_to_write(value: Path | None) -> Path | None:
    """For the ``--report`` of a verb that only comes to write it at the end of a run."""
    if value is not None:
        refuse_unwritable(value, "--report")
    return value


def write_text(path: Path, text: str) -> None:
    """Writes a result file, with our own words when that can not be done."""
    try:
        path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"can not write {path}: {error.strerror or error}; give another file with -o"
        ) from error


def _load_config(ctx: typer.Context, value: Path | None) -> Path | None:
    """Reads the file before any other option is looked at, so that it can give their defaults."""
    if ctx.resilient_parsing:  # completion: nothing is to fail, nothing is to be read
        return value
    if value is None and not DEFAULT_CONFIG.is_file():
        return None
    path = value or DEFAULT_CONFIG
    content = read_config(path)
    words = ctx.command_path.split()  # `ovl runs list` takes the section `runs`
    called = {  # as it is written -> as the verb calls it
        word_of(each) if isinstance(each, TyperOption) else str(each.name): str(each.name)
        for each in ctx.command.params
    }
    found = defaults_for(
        verb=words[1] if len(words) > 1 else "",
        options=frozenset(called),
        common=COMMON_NAMES,
        verbs=frozenset(verb.name for verb in VERBS),
        content=content,
        path=path,
    )
    ctx.default_map = {called.get(name, name): value for name, value in found.items()}
    ctx.meta["ovl.thresholds"] = thresholds_of(content, path)
    return path


def defaults_beside(
    ctx: typer.Context, param: typer.CallbackParam, value: Path | None
) -> Path | None:
    """For a verb with a ``--config`` of its own: the usual file of defaults, beside that one."""
    elsewhere = os.environ.get("OVL_CONFIG")
    _load_config(ctx, Path(elsewhere) if elsewhere else None)
    written = (ctx.default_map or {}).get(param.name or "")
    return Path(written) if value is None and written else value


def _remember_verbose(ctx: typer.Context, value: bool) -> bool:
    ctx.meta[VERBOSE] = value
    return value


def _common_options(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            is_eager=True,
            callback=_load_config,
            show_default="ovl.yaml, if it is there",
            rich_help_panel=COMMON_PANEL,
            help="Defaults for options, and thresholds.",
        ),
    ] = None,
    store: Annotated[
        Path,
        typer.Option(
            "--store", rich_help_panel=COMMON_PANEL, help="Folder of recordings (OVL_STORE)."
        ),
    ] = DEFAULT_STORE,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            show_choices=False,
            rich_help_panel=COMMON_PANEL,
            help="Form of the result: text, json, csv, md, junit, github.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            rich_help_panel=COMMON_PANEL,
            help="File for the result, whose name says the form where -f does not; - is stdout.",
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", rich_help_panel=COMMON_PANEL, help="No progress on stderr."),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            is_eager=True,
            callback=_remember_verbose,
            rich_help_panel=COMMON_PANEL,
            help="More detail; tracebacks of internal errors.",
        ),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color",
            rich_help_panel=COMMON_PANEL,
            help="No colour. NO_COLOR and FORCE_COLOR are honoured.",
        ),
    ] = False,
) -> None:
    """Only its signature is used: the common options as typer reads them."""


_OPTIONS: Final = tuple(
    parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    for parameter in inspect.signature(_common_options, eval_str=True).parameters.values()
)
COMMON_NAMES: Final = frozenset(option.name for option in _OPTIONS)


def _flags(parameter: inspect.Parameter) -> set[str]:
    """How an option is written. Its first name stands where a default would, as typer has it."""
    written = [
        name
        for option in getattr(parameter.annotation, "__metadata__", ())
        for name in (option.default, *(option.param_decls or ()))
    ]
    return {name for name in written if isinstance(name, str)}


def _is_typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def with_common(verb: Callable[Concatenate[Common, P], None]) -> Callable[..., None]:
    """Gives a verb the common options; they arrive as its first argument.

    A verb may declare ``--config`` itself; it should then take ``defaults_beside`` as its callback.
    """
    own = list(inspect.signature(verb, eval_str=True).parameters.values())[1:]
    taken = {flag for parameter in own for flag in _flags(parameter)}
    shared = [option for option in _OPTIONS if not taken & _flags(option)]

    @functools.wraps(verb)
    def run(ctx: typer.Context, **words: Any) -> None:  # Any: whatever the verb declares
        options = [each for each in ctx.command.params if isinstance(each, TyperOption)]
        refuse_unknown(
            os.environ,
            map(variable_of, options),
            all_variables,
            f"{' '.join(sys.argv)} {ctx.default_map}",
        )
        given = {name: words.pop(name) for name in (option.name for option in shared)}
        common = Common(
            store=given["store"],
            format=given["format"],
            output=given["output"],
            quiet=given["quiet"],
            verbose=given["verbose"],
            no_color=given["no_color"],
            thresholds=ctx.meta.get("ovl.thresholds", {}),
            typed=frozenset(name for name in (*given, *words) if _is_typed(ctx, name)),
        )
        if not common.to_stdout:
            refuse_unwritable(Path(str(common.output)), "-o")
        verb(common, **words)  # type: ignore[call-arg]  # what typer read for it

    context = inspect.Parameter(
        "ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    parameters = [context, *keyword, *shared]
    del run.__wrapped__
    # inspect and typer look for this attribute; the type of a function does not list it.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run
