from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED, QUIET

Capture = pytest.CaptureFixture[str]
NOWHERE = Path("/nonexistent-store")


def test_assumptions_alone_are_enough_for_so_many_calls(capsys: Capture) -> None:
    ended = ovl(capsys, NOWHERE, "plan", "--target-calls", "10000")

    assert ended.code == 0
    assert "audio, both ways, bit/s       5.12 G" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "\x1b[" not in ended.out


def test_the_run_that_was_named_gives_its_numbers(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "plan", "friday", "--target-calls", "100", "-f", "json")
    plan = json.loads(ended.out)

    assert ended.code == 0
    assert plan["run"]["id"] == PLANTED
    assert plan["limits"][0]["component"] == "llm"
    assert plan["fixes"][0]["basis"] == "bounds"


def test_a_run_without_a_limit_can_not_be_changed(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "plan", QUIET, "--set", "llm.capacity=2x")

    assert ended.code == 4
    assert "Nothing bent up to 48 calls" in " ".join(ended.out.split())
    assert ended.err == ""


def test_the_assumptions_that_are_printed_can_be_read_again(
    tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "limits.yaml"
    printed = ovl(capsys, NOWHERE, "plan", "--print-assumptions", "-o", str(path))
    ended = ovl(capsys, NOWHERE, "plan", "--target-calls", "10", "--limits", str(path))

    assert (printed.code, ended.code) == (0, 0)
    assert "file: limits.yaml" in ended.out


@pytest.mark.parametrize(("form", "begins"), [("csv", "section,"), ("md", "# What 10 calls")])
def test_other_forms(form: str, begins: str, capsys: Capture) -> None:
    ended = ovl(capsys, NOWHERE, "plan", "--target-calls", "10", "-f", form)

    assert ended.out.startswith(begins)


def test_prices_give_a_cost(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("currency: EUR\nsip: {per_minute: 0.01}\n")
    ended = ovl(capsys, NOWHERE, "plan", "--target-calls", "100", "--cost", str(path))

    assert "together 60.00 EUR an hour" in " ".join(ended.out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "llm.capacity=0x"), "give more than zero"),
        (("--set", "llm.capacity=-1"), "give more than zero"),
        (("--set", "llm.capacity=nanx"), "give more than zero"),
        (("--target-calls", "0"), "--target-calls 0"),
        (("--target-calls", "many"), "Invalid value for '--target-calls'"),
        (("--target-calls", "5", "--limits", "none.yaml"), "can not read none.yaml"),
        (("--target-calls", "5", "--cost", "none.yaml"), "can not read none.yaml"),
        (("--set", "llm.capacity=2x"), "A plan without a run takes --target-calls N"),
        ((), "A plan without a run takes --target-calls N"),
        (("nobody", "--target-calls", "5"), "There is no store"),
        (("--target-calls", "5", "-f", "junit"), "does not write 'junit'"),
    ],
)
def test_wrong_words_are_one_line_and_exit_2(
    words: tuple[str, ...], said: str, capsys: Capture
) -> None:
    ended = ovl(capsys, NOWHERE, "plan", *words)

    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_misspelt_quota_is_told_with_its_line(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text("limits:\n  llm:\n    concurent: 48\n")
    ended = ovl(capsys, NOWHERE, "plan", "--target-calls", "5", "--limits", str(path))

    assert ended.code == 2
    assert "line 3: nothing is called 'limits.llm.concurent'; did you mean concurrent?" in ended.err
