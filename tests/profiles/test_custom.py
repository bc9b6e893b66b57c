from __future__ import annotations

import pytest

from otel_voiceload.errors import CeilingUnknown, UsageError
from otel_voiceload.profiles import Ceiling, Findings, Request, StageFinding
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


def test_five_times_is_of_the_calls_given_and_a_share_is_of_the_measured_ceiling() -> None:
    stages = Options.of(
        Request(calls=4, stages=("hold:1m:1x", "hold:1m:5x", "1m:80%"), ceiling=Ceiling(35, "here"))
    ).stages
    assert [(s.calls_from, s.calls_to) for s in stages] == [(4, 4), (20, 20), (20, 28)]
    assert [s.note for s in stages[1:]] == [
        "5x of 4 calls",
        "80% of the ceiling of 35 calls (here)",
    ]
    with pytest.raises(CeilingUnknown, match="80%"):
        Options.of(Request(stages=("hold:1m:80%",)))


def test_a_share_of_a_ceiling_stays_under_the_cap() -> None:
    request = Request(stages=("hold:1m:200%",), ceiling=Ceiling(80, "here"), max_calls=100)
    assert Options.of(request).peak_calls == 100


# --- calls per second ----------------------------------------------------------------------------


def rates(request: Request) -> list[tuple[float, float, float]]:
    return [(s.duration_s, s.per_s_from, s.per_s_to) for s in Options.of(request).stages]


def test_a_rate_or_stages_of_rates_are_the_open_model() -> None:
    assert rates(Request(rate_per_s=2, duration_s=90)) == [(90, 2, 2)]
    written = ("1m:5/s", "hold:1m:5/s", "hold:1m:1/s")
    assert rates(Request(stages=written)) == [(60, 0, 5), (60, 5, 5), (60, 1, 1)]
    stage = Options.of(Request(rate_per_s=2, arrivals="constant")).stages[0]
    assert (stage.arrivals, stage.calls_from, stage.calls_to) == ("constant", 0, 0)


def test_the_open_model_may_come_to_hold_as_many_as_the_cap() -> None:
    assert Options.of(Request(rate_per_s=2, max_calls=30)).peak_calls == 30
    assert Options.of(Request(stages=("1m:5/s",), max_calls=30)).peak_calls == 30


def test_a_number_of_calls_in_all_waits_for_them_an_hour_at_most() -> None:
    assert shape(Request(calls=5, total_calls=20)) == [(3600, 5, 5)]
    assert shape(Request(calls=5, total_calls=20, duration_s=60)) == [(60, 5, 5)]


@pytest.mark.parametrize(
    "request_",
    [
        Request(rate_per_s=2, calls=5),
        Request(rate_per_s=2, stages=("1m:5",)),
        Request(stages=("1m:5", "1m:5/s")),
    ],
)
def test_two_kinds_of_load_at_once_are_refused(request_: Request) -> None:
    with pytest.raises(UsageError):
        Options.of(request_)


def test_a_rate_of_nothing_is_a_problem() -> None:
    assert "no stage asks" in Options.of(Request(stages=("hold:1m:0/s",))).problems()[0]


def test_problems_name_the_empty_stage_and_the_empty_load() -> None:
    assert Options.of(Request(stages=("0s:20",))).problems() == [
        "stage 1 lasts no time; give it a duration as in 10m:200"
    ]
    assert len(Options.of(Request(calls=0)).problems()) == 1
