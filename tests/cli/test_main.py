from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from otel_voiceload import __version__
from otel_voiceload.cli import main as cli
from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.errors import StoreError, TargetRefused

HEAVY = ("aiortc", "grpc", "numpy", "duckdb", "opentelemetry")
# What only some who read a run need: a file of theirs, a page, a build server's XML, a collector.
SELDOM = ("pydantic", "yaml", "http.client", "xml.etree", "otel_voiceload.charts")
READERS = ("analyze", "compare", "query", "doctor", "runs")
LOADING = f"""
import sys
from pathlib import Path
from otel_voiceload.cli.main import app, load_verb
app(["--help"], standalone_mode=False)
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
for verb in {READERS!r}:
    load_verb(verb)
from otel_voiceload.cli.options import Common
from otel_voiceload.cli.reading import declared_in, deliver
declared_in(None)
deliver(Common(Path(), "json", None, True, False, True, {{}}), {{}})
written = "otel_voiceload.reports.render."
forms = [name.removeprefix(written) for name in sys.modules if name.startswith(written)]
print([name for name in {SELDOM!r} if name in sys.modules], file=sys.stderr)
print([name for name in ("html", "terminal", "markdown") if name in forms], file=sys.stderr)
"""


def failing_verb(error: BaseException | None) -> SimpleNamespace:
    """A module like a verb's, whose command raises."""
    app = verb_app()

    @app.command()
    @with_common
    def probe(common: Common) -> None:
        """Raise what the test asks for."""
        if error is not None:
            raise error

    return SimpleNamespace(app=app)


def run(monkeypatch: pytest.MonkeyPatch, *words: str, error: BaseException | None = None) -> int:
    """Exit code of ``ovl words...`` with one verb, probe."""
    monkeypatch.setattr(cli, "VERBS", (cli.Verb("probe", "probe", "Read", "Probe."),))
    monkeypatch.setattr(cli, "import_module", lambda name: failing_verb(error))
    monkeypatch.setattr(sys, "argv", ["ovl", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else -1


def test_help_loads_nothing_heavy_and_a_reader_nothing_that_was_not_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(cli.__file__).parents[2],
    )

    heavy, seldom, forms = done.stderr.splitlines()
    assert (heavy, seldom, forms) == ("[]", "[]", "[]")
    assert all(verb.name in done.stdout for verb in cli.VERBS)


def test_every_verb_of_the_table_is_a_module_with_help(monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in cli.VERBS:
        command = cli.load_verb(verb.name)

        assert command.help, verb.name


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, ""),
        (StoreError("There is no store\nat x."), 2, "ovl: There is no store at x.\n"),
        (TargetRefused("not allowed"), 3, "ovl: not allowed\n"),
        (
            ValueError("a\nb"),
            1,
            "ovl: internal error: ValueError: a b; run with -v for the traceback\n",
        ),
        (KeyboardInterrupt(), 130, ""),
        (typer.Exit(99), 99, ""),
    ],
)
def test_every_end_is_at_most_one_line_and_its_code(
    error: BaseException | None,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "probe", error=error) == code
    assert capsys.readouterr().err == said


def test_verbose_shows_the_traceback_of_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="inside"):
        run(monkeypatch, "probe", "-v", error=ValueError("inside"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prope",), "Did you mean 'probe'? - see ovl --help"),
        (("probe", "--zzz"), "No such option: --zzz - see ovl probe --help"),
        (("--nope",), "No such option: --nope - see ovl --help"),
        (("probe", "-f", "pdf"), "'pdf' is not one of"),
    ],
)
def test_wrong_words_are_one_line_and_exit_2(
    words: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, *words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_the_version_and_nothing_at_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"ovl {__version__}\n"
    assert run(monkeypatch) == 0
    assert "Usage: ovl" in capsys.readouterr().out


def test_a_reader_of_the_help_who_leaves_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def printed(**_: object) -> None:  # as rich leaves when a pipe is closed
        try:
            raise BrokenPipeError
        except BrokenPipeError:
            raise SystemExit(1)  # noqa: B904  # rich's own does not say from what either

    monkeypatch.setattr(cli, "app", printed)
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 0


# Threads are waited for before anything that is registered with atexit runs.
DEAF_AT_LAST = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
from otel_voiceload.cli import main as cli

def press() -> None:
    threading.main_thread().join()
    signal.raise_signal(signal.SIGINT)
    print("pressed")

threading.Thread(target=press).start()
sys.argv = ["ovl", "--version"]
cli.script()
"""


def test_ctrl_c_while_the_interpreter_goes_down_changes_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DEAF_AT_LAST],
        cwd=Path(cli.__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("pressed\n")
