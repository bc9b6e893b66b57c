from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_voiceload.cli.compare import tolerances
from otel_voiceload.errors import UsageError
from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED, QUIET

Capture = pytest.CaptureFixture[str]


def test_a_pair_gates_when_told_and_the_exit_is_99(store: Path, capsys: Capture) -> None:
    words = ("compare", f"{QUIET},", PLANTED, "--single", "--tolerance", "10%", "-f", "json")
    ended = ovl(capsys, store, *words)

    made = json.loads(ended.out)
    assert (ended.code, made["verdict"]) == (99, "fail")
    assert [each["id"] for each in made["run"]] == [PLANTED]
    assert made["explanation"][0].startswith("llm bends first now, at 2")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "nobody"), "has no run 'nobody'"),
        (("compare", "friday", "--tolerance", "10"), "is not understood"),
    ],
)
def test_what_can_not_be_compared_is_one_line(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, *words)

    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_tolerances_are_said_by_figure_in_its_own_unit() -> None:
    said = ["10%", "p99=1.5x", "llm=20%", "completion=2pp", "knee=10%", "p95=15%"]
    assert tolerances(said) == {
        "turn_latency p95": pytest.approx(0.15),
        "turn_latency p99": pytest.approx(0.5),
        "llm p95": pytest.approx(0.2),
        "completion": pytest.approx(0.02),
        "knee": pytest.approx(0.1),
    }


@pytest.mark.parametrize("word", ["speed=10%", "completion=10%", "knee=2x", "p95=5pp", "p95=0.5x"])
def test_a_tolerance_that_fits_no_figure_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="tolerance"):
        tolerances([word])
