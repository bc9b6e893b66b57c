from __future__ import annotations

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.profiles import Findings, Request, StageFinding
from otel_voiceload.profiles.custom import Options


def shape(request: Request) -> list[tuple[float, float, float]]:
    return [(s.duration_s, s.calls_from, s.calls_to) for s in Options.of(request).stages]


@pytest.mark.parametrize(
    ("request_", "stages"),
    [
        (Request(), [(60, 10, 10)]),
        (Request(calls=25, duration_s=90), [(90, 25, 25)]),
        (Request(stages=("10m:200",)), [(600, 0, 200)]),
        (Request(stages=("1m:20", "30s:20", "1m:0")), [(60, 0, 20), (30, 20, 20), (60, 20, 0)]),
        (Request(stages=("hold:1m:20", "1m:50")), [(60, 20, 20), (60, 20, 50)]),
        (Request(stages=("10m:200", "hold:1m:200"), pace=0.01), [(6, 0, 200), (28, 200, 200)]),
    ],
)
def test_what_is_written_becomes_stages(
    request_: Request, stages: list[tuple[float, float, float]]
) -> None:
    assert shape(request_) == stages


def test_stages_follow_one_another_and_are_handed_out_once() -> None:
    options = Options.of(Request(stages=("1m:20", "30s:20")))
    stages = options.next_stages(Findings())
    assert stages is not None
    assert [stage.start_s for stage in stages] == [0, 60]
    assert options.next_stages(Findings(tuple(map(StageFinding, stages)))) is None
    assert options.peak_calls == 20


@pytest.mark.parametrize("text", ["10m", "10m:", "hold:10m", "10m:200:300", "soon:5", "1m:5x"])
def test_a_stage_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Options.of(Request(stages=(text,)))


def test_calls_and_stages_together_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="--stage already"):
        Options.of(Request(calls=5, stages=("1m:20",)))


def test_problems_name_the_empty_stage_and_the_empty_load() -> None:
    assert Options.of(Request(stages=("0s:20",))).problems() == [
        "stage 1 lasts no time; give it a duration as in 10m:200"
    ]
    assert len(Options.of(Request(calls=0)).problems()) == 1
