from __future__ import annotations

import pytest

from otel_voiceload.analysis.spike_gap import Promise, SpikeGap, find, promises_of


def step(calls: float, p95_s: float = 0.6, failed: float = 0.0, at: int = 0) -> Promise:
    return Promise(int(calls), calls, False, 200, p95_s, failed, at or int(calls))


def spike(calls: float, p95_s: float, failed: float = 0.0, turns: int = 200) -> Promise:
    return Promise(900 + int(calls), calls, True, turns, p95_s, failed, 9_000)


RAMP = [step(50), step(100), step(250, 0.7), step(500, 0.9)]


def test_the_ramp_holds_500_and_the_spike_300_does_not() -> None:
    gap = find([*RAMP, step(800, 3.0), spike(200, 0.8), spike(300, 3.2), spike(400, 4.0)])

    assert gap == SpikeGap(
        climbed=500,
        jumped=300,
        carried_jump=200,
        stage_index=1200,
        p95_s=3.2,
        limit_s=pytest.approx(1.2),
        failed_share=0.0,
        before_climb=False,
    )


@pytest.mark.parametrize(
    ("promises", "why"),
    [
        (RAMP, "no spike"),
        ([*RAMP, spike(300, 0.9)], "it was carried"),
        ([*RAMP, spike(800, 9.0)], "nobody climbed that high"),
        ([*RAMP, spike(300, 9.0, turns=5)], "too few turns"),
        ([step(50), step(100, 5.0), step(250), spike(200, 9.0)], "the climb broke before it"),
        ([spike(200, 9.0)], "nothing to compare with"),
        ([], "nothing"),
    ],
)
def test_no_gap_is_told_without_both_sides(promises: list[Promise], why: str) -> None:
    assert find(promises) is None, why


def test_turns_without_an_answer_break_the_promise_as_well() -> None:
    assert find([*RAMP, spike(300, 0.9, failed=0.2)]) is not None
    assert find([*RAMP, spike(300, 0.9, failed=0.04)]) is None


def test_a_known_baseline_goes_before_the_runs_own_lowest_levels() -> None:
    promises = [*RAMP, spike(300, 1.5)]

    assert find(promises) is not None
    assert find(promises, baseline_p95_s=0.9) is None


def test_a_jump_before_the_climb_says_so() -> None:
    late = [step(each.calls, each.p95_s, at=20_000) for each in RAMP]

    gap = find([spike(300, 3.2), *late])

    assert gap is not None
    assert gap.before_climb


def test_levels_that_the_load_came_down_to_say_nothing() -> None:
    row = {
        "stage_index": 2, "level": 100.0, "spike": False, "returned": False, "turns": 90,
        "p95_s": 0.6, "failed_share": 0.0, "started_ns": 5,
    }  # fmt: skip

    assert promises_of([row, {**row, "returned": True}]) == [
        Promise(2, 100.0, False, 90, 0.6, 0.0, 5)
    ]
