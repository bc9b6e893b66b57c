from __future__ import annotations

import random

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Health, Progress
from otel_voiceload.profiles.levels import level
from otel_voiceload.runner.live_judge import JUDGE_EVERY_S, LiveJudge, watchable

Turns = tuple[tuple[int, float, bool], ...]
FIRST, SECOND = level(0, "ramp", 0.0, 60.0, 2), level(1, "ramp", 60.0, 60.0, 4)


def judge(*texts: str, grace_s: float = 0.0, by_stage: bool = False) -> LiveJudge:
    written: dict[str, list[str]] = {}
    for text in texts:
        metric, _, test = text.partition(":")
        written.setdefault(metric, []).append(test)
    return LiveJudge(watchable(written), grace_s, by_stage=by_stage)


def second(
    turns: Turns = (),
    *,
    late: bool = False,
    llm: tuple[tuple[int, float], ...] = (),
    **ended: int,
) -> Progress:
    limited_by = ("pacing_error",) if late else ()
    health = Health(0, 0, 2, 50, 0, 0.0, 0.001, 0.0, 0.0, 0.0, 0, 0, limited_by=limited_by)
    return Progress(health, 0, ended, turns=turns, components={"llm": llm} if llm else {})


def turns(count: int, seconds: float, *, unanswered: bool = False, per_call: int = 4) -> Turns:
    chance = random.Random(count)
    return tuple(
        (index // per_call, seconds * (1 + 0.1 * chance.random()), unanswered)
        for index in range(count)
    )


def test_a_promise_that_is_surely_broken_is_told_with_its_figure() -> None:
    one = judge("turn_latency:p95<2s")
    one.take(second(turns(200, 3.0)), FIRST)
    assert one.broken(1.0) == "turn_latency: p95<2s is broken (3.29 s so far)"


def test_a_promise_that_holds_or_may_hold_ends_nothing() -> None:
    one = judge("turn_latency:p95<2s", "error_rate:rate<5%")
    assert one.broken(1.0) is None
    one.take(second((*turns(200, 1.0), (900, 3.0, False), (901, 9.0, True))), FIRST)
    assert one.broken(20.0) is None


def test_few_calls_prove_nothing_however_slow_they_are() -> None:
    one = judge("turn_latency:p50<1s")
    one.take(second(turns(16, 3.0)), FIRST)  # of four calls
    assert one.broken(1.0) is None


def test_a_turn_that_nobody_answered_counts_as_its_deadline_at_least() -> None:
    one = judge("turn_latency:p50<9s")
    one.take(second(turns(100, 10.0, unanswered=True)), FIRST)
    assert one.broken(1.0) is not None

    two = judge("error_rate:rate<5%")
    two.take(second((*turns(100, 1.0), *turns(60, 10.0, unanswered=True))), FIRST)
    assert two.broken(1.0) == "error_rate: rate<5% is broken (37.5 % so far)"


def test_calls_are_judged_by_how_they_ended_and_ours_are_left_out() -> None:
    one = judge("call_completion:rate>95%")
    one.take(second(completed=30, dropped=30, aborted_by_us=500, refused=500), FIRST)
    assert one.broken(1.0) == "call_completion: rate>95% is broken (50.0 % so far)"

    two = judge("connect_success:rate>99%")
    two.take(second(completed=30, refused=30), FIRST)
    assert two.broken(1.0) is not None


def test_a_component_is_judged_by_what_the_wire_tells_of_it() -> None:
    one = judge("llm:p95<1s", "tts:p95<1s")
    slow = tuple((index // 4, 1.5 + index / 1e4) for index in range(200))
    one.take(second(llm=slow, late=True), FIRST)
    assert one.broken(1.0) is None, "the generator was late"
    one.take(second(llm=slow), FIRST)
    assert one.broken(10.0) == "llm: p95<1s is broken (1.52 s so far)"

    two = judge("llm:p95<1s")
    two.take(second(llm=slow[:16]), FIRST)  # of four calls
    assert two.broken(1.0) is None


def test_a_component_that_the_wire_does_not_tell_of_is_named_once() -> None:
    one = judge("llm:p95<1s", "tts:p95<1s", "turn_latency:p95<2s", grace_s=30.0)
    one.take(second(llm=((1, 0.2),)), FIRST)
    assert one.untold(29.0) == ()
    assert one.untold(30.0) == ("tts",)
    assert one.untold(31.0) == ()
    assert one.broken(31.0) is None


def test_nothing_is_judged_before_the_grace_is_over_and_then_now_and_then() -> None:
    one = judge("turn_latency:p95<2s", grace_s=30.0)
    one.take(second(turns(200, 1.0)), FIRST)
    assert one.broken(29.9) is None
    assert one.broken(30.0) is None
    one.take(second(turns(2000, 3.0)), FIRST)
    assert one.broken(30.0 + JUDGE_EVERY_S - 0.1) is None
    assert one.broken(30.0 + JUDGE_EVERY_S) is not None


def test_a_second_in_which_we_were_late_says_nothing() -> None:
    one = judge("turn_latency:p95<2s")
    one.take(second(turns(200, 3.0), late=True), FIRST)
    assert one.broken(1.0) is None


def test_a_search_is_judged_by_the_stage_that_runs() -> None:
    whole, stage = judge("turn_latency:p50<2s"), judge("turn_latency:p50<2s", by_stage=True)
    for one in (whole, stage):
        one.take(second(turns(1000, 1.0)), FIRST)
        one.take(second(turns(200, 3.0)), SECOND)
    assert whole.broken(70.0) is None
    assert stage.broken(70.0) is not None


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"llm{phase:soak}": ["p95<1s"]},
        {"jitter": ["p95<30ms"]},
        {"turn_latency": ["p95<2x baseline"]},
        {"turn_latency{phase:spike}": ["p95<2s"]},
        {"call_completion": ["drop<5pp"]},
    ],
)
def test_a_run_with_nothing_to_watch_is_refused(written: dict[str, list[str]]) -> None:
    with pytest.raises(UsageError, match="turn_latency:p95<2s"):
        watchable(written)
