"""Variables named OVL_...: one that sets nothing is refused, with the name that may be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.cli.environment import PREFIX, READ_ELSEWHERE, refuse_unknown
from otel_voiceload.cli.main import all_variables
from otel_voiceload.errors import UsageError
from ovl_collector.options import OPTIONS
from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]


def test_an_option_of_another_verb_is_no_mistake() -> None:
    refuse_unknown({"OVL_CALLS": "3"}, ["OVL_STORE"], lambda: ["OVL_CALLS"], "")


def test_what_sets_nothing_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"OVL_THRESOLD .* did you mean OVL_THRESHOLD"):
        refuse_unknown({"OVL_THRESOLD": "x"}, [], lambda: ["OVL_THRESHOLD"], "")


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"OVL_AGENT_KEY": "secret"}, "generate ws://x -H Authorization:env:OVL_AGENT_KEY"),
        ({"OVL_AGENT_KEY": "secret", "OVL_HEADER": "Authorization:env:OVL_AGENT_KEY"}, ""),
    ],
)
def test_a_secret_that_is_named_is_no_option(environ: dict[str, str], words: str) -> None:
    refuse_unknown(environ, ["OVL_HEADER"], list, words)


def test_other_verbs_are_not_looked_at_when_all_is_known() -> None:
    def never() -> list[str]:
        raise AssertionError

    refuse_unknown({"OVL_STORE": "s", "PATH": "p"}, ["OVL_STORE"], never, "")


def test_every_option_of_the_collector_is_known() -> None:
    theirs = {PREFIX + each.key.upper() for each in OPTIONS if not each.line_only}

    assert theirs <= READ_ELSEWHERE | all_variables()


@pytest.mark.parametrize("name", ["OVL_REPORT", "OVL_LIST", "OVL_MAX_CALLS", "OVL_CONFIG"])
def test_variables_are_named_as_options_are_typed(name: str) -> None:
    assert name in all_variables()


def test_a_verb_refuses_it_with_code_2(
    store: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVL_FORMATT", "json")
    ended = ovl(capsys, store, "runs")

    assert (ended.code, ended.out) == (2, "")
    assert "did you mean OVL_FORMAT?" in ended.err


def test_help_is_given_all_the_same(
    store: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVL_FORMATT", "json")

    assert ovl(capsys, store, "runs", "list", "--help").code == 0
