from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_voiceload.cli.config_file import defaults_for, read_config, thresholds_of
from otel_voiceload.errors import ConfigError

FILE = Path("ovl.yaml")


def defaults(content: dict[str, Any], verb: str = "generate") -> dict[str, Any]:
    return defaults_for(
        verb=verb,
        options=frozenset({"calls", "expected_peak"}),
        common=frozenset({"store", "no_color"}),
        verbs=frozenset({"generate", "analyze"}),
        content=content,
        path=FILE,
    )


def test_a_verb_gets_the_common_options_and_its_own() -> None:
    content = {"store": "s", "no-color": True, "generate": {"calls": 20}, "analyze": {"x": 1}}

    assert defaults(content) == {"store": "s", "no_color": True, "calls": 20}


def test_options_may_be_written_with_dashes() -> None:
    assert defaults({"generate": {"expected-peak": 40}}) == {"expected_peak": 40}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"stor": "s"}, "nothing is called 'stor'"),
        ({"generate": {"call": 1}}, "`ovl generate` has no option 'call'"),
        ({"generate": 3}, "generate should hold"),
    ],
)
def test_a_name_that_nobody_knows_is_an_error(content: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        defaults(content)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, {}),
        ({"llm": "p95<1s"}, {"llm": ("p95<1s",)}),
        ({"llm": ["p95<1s", "p99<2s"]}, {"llm": ("p95<1s", "p99<2s")}),
    ],
)
def test_thresholds_are_a_list_or_a_single_one(written: object, read: object) -> None:
    assert thresholds_of({"thresholds": written}, FILE) == read


@pytest.mark.parametrize("written", [["p95<1s"], {"llm": [1]}, {"llm": {"p95": 1}}])
def test_thresholds_of_another_shape_are_an_error(written: object) -> None:
    with pytest.raises(ConfigError, match="thresholds"):
        thresholds_of({"thresholds": written}, FILE)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a\n- b\n", "should hold"),
        ("1: x", "should hold"),
        ("a: [", "line"),
        ("\x00", "not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "ovl.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=complaint):
        read_config(path)


def test_an_empty_file_and_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")

    assert read_config(tmp_path / "empty.yaml") == {}
    with pytest.raises(ConfigError, match="can not read"):
        read_config(tmp_path / "missing.yaml")
