from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from otel_voiceload.cli.main import ENVIRONMENT_PREFIX
from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.errors import ConfigError, UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def given(*words: str, environment: dict[str, str] | None = None) -> tuple[Common, int, list[str]]:
    """What a verb gets for these words."""
    got: list[tuple[Common, int, list[str]]] = []
    app = verb_app()

    @app.command(context_settings={"auto_envvar_prefix": ENVIRONMENT_PREFIX})
    @with_common
    def probe(
        common: Common,
        calls: Annotated[int, typer.Option("--calls")] = 10,
        threshold: Annotated[list[str] | None, typer.Option("--threshold")] = None,
    ) -> None:
        got.append((common, calls, threshold or []))

    done = CliRunner().invoke(app, list(words), env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return got[0]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and no OVL_ variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("OVL_STORE", "OVL_CALLS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_without_any_words_there_are_defaults() -> None:
    common, calls, _ = given()

    assert (common.store, common.format, common.output) == (Path("ovl-store"), None, None)
    assert (calls, common.thresholds) == (10, {})


def test_the_command_line_beats_the_environment_beats_the_file(alone: Path) -> None:
    (alone / "ovl.yaml").write_text("store: file\n")
    assert given()[0].store == Path("file")
    assert given(environment={"OVL_STORE": "env"})[0].store == Path("env")
    assert given("--store", "line", environment={"OVL_STORE": "env"})[0].store == Path("line")


def test_thresholds_of_the_file_arrive_whole(alone: Path) -> None:
    (alone / "mine.yaml").write_text("thresholds: {turn_latency: [p50<1s, p95<2s], llm: p95<1s}\n")

    assert given("--config", "mine.yaml")[0].thresholds == {
        "turn_latency": ("p50<1s", "p95<2s"),
        "llm": ("p95<1s",),
    }


def test_a_broken_file_is_an_error_that_names_it(alone: Path) -> None:
    (alone / "ovl.yaml").write_text("a: [b")

    with pytest.raises(ConfigError, match=r"ovl.yaml is not YAML"):
        given()


@pytest.mark.parametrize(
    ("words", "environment", "stream", "coloured"),
    [
        ((), {}, Terminal(), True),
        ((), {}, io.StringIO(), False),
        ((), {"FORCE_COLOR": "1"}, io.StringIO(), True),
        ((), {"NO_COLOR": "1"}, Terminal(), False),
        ((), {"NO_COLOR": ""}, Terminal(), True),
        (("--no-color",), {"FORCE_COLOR": "1"}, Terminal(), False),
        ((), {"TERM": "dumb"}, Terminal(), False),
    ],
)
def test_colour_is_for_terminals_unless_somebody_said_otherwise(
    words: tuple[str, ...],
    environment: dict[str, str],
    stream: io.StringIO,
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert given(*words)[0].color_on(stream) is coloured


def test_a_verb_takes_the_formats_it_can_write_the_first_by_default() -> None:
    assert given()[0].one_of("md", "json") == "md"
    assert given("-f", "json")[0].one_of("md", "json") == "json"
    with pytest.raises(UsageError, match="choose one of md, json"):
        given("-f", "junit")[0].one_of("md", "json")


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("-o", "r.JSON"), "json"),
        (("-o", "r.csv"), "csv"),
        (("-o", "r.md"), "md"),
        (("-o", "r.xml"), "junit"),
        (("-o", "r.log"), "text"),
        (("-o", "-"), "text"),
        (("-o", "r.md", "-f", "json"), "json"),  # -f is what was told
        (("-o", "r.html", "-f", "md"), "md"),
    ],
)
def test_the_name_of_the_file_says_the_form_where_nothing_else_does(
    words: tuple[str, ...], form: str, alone: Path
) -> None:
    assert given(*words)[0].one_of("text", "json", "csv", "md", "junit") == form


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r.xml", "does not write 'junit', which r.xml asks for by its name; choose one of text"),
        ("r.html", "writes no HTML into r.html: `ovl report` does"),
    ],
)
def test_a_name_that_asks_for_another_form_is_refused(name: str, said: str, alone: Path) -> None:
    with pytest.raises(UsageError, match=said):
        given("-o", name)[0].one_of("text", "md")


def test_the_result_goes_to_stdout_or_to_the_file(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given("-o", "-")[0].emit("one")
    given("-o", "out.txt")[0].emit("two")

    assert capsys.readouterr().out == "one\n"
    assert (alone / "out.txt").read_text() == "two\n"
    with pytest.raises(UsageError, match="can not write"):
        given("-o", "nowhere/out.txt")[0].emit("three")


def test_quiet_silences_notes_and_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    common, *_ = given("-q")
    common.note("by the way")
    common.warn("not as you asked")

    assert capsys.readouterr().err == "ovl: not as you asked\n"
