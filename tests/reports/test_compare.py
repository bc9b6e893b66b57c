from __future__ import annotations

from collections.abc import Mapping

import pytest

from otel_voiceload.errors import ExitCode
from otel_voiceload.reports.compare import (
    ComparedMetric,
    CompareOptions,
    Comparison,
    compare,
    exit_code,
)
from tests.reports.compared import a_run

BEFORE = [a_run("before", seed) for seed in (1, 2, 3)]
SAME = [a_run("same", seed) for seed in (4, 5, 6)]
SLOW = [a_run("slow", seed, slower=6.0) for seed in (7, 8, 9)]


def metric(made: Comparison, name: str) -> ComparedMetric:
    (found,) = [each for each in made["metrics"] if each["metric"] == name]
    return found


def test_three_repeats_of_the_same_pass_both_default_gates() -> None:
    made = compare(BEFORE, SAME, CompareOptions())
    assert (made["decides"], made["verdict"], made["not_the_same"]) == (True, "pass", [])
    gated = [each["metric"] for each in made["metrics"] if each["tolerated"] is not None]
    assert gated == ["turn_latency p95", "completion"]
    assert {each["judged"] for each in made["metrics"]} <= {"unclear"}
    assert made["levels_compared"] == [6, 12, 24]
    assert [each["calls"] for each in made["levels"]] == [6, 12, 24]
    assert exit_code(made, CompareOptions()) is ExitCode.OK


@pytest.mark.parametrize(
    ("runs", "tolerated", "single", "verdict", "code"),
    [
        (3, {}, False, "fail", ExitCode.FAILED),
        (1, {}, False, "unknown", ExitCode.OK),
        (1, {"turn_latency p95": 0.1}, False, "unknown", ExitCode.INCONCLUSIVE),
        (1, {}, True, "fail", ExitCode.FAILED),
        (2, {}, False, "unknown", ExitCode.OK),
        (3, {"turn_latency p95": 9.0}, False, "pass", ExitCode.OK),
    ],
)
def test_three_repeats_a_side_decide_and_fewer_only_when_told(
    runs: int, tolerated: Mapping[str, float], single: bool, verdict: str, code: ExitCode
) -> None:
    options = CompareOptions(tolerated, single)
    made = compare(BEFORE[:runs], SLOW[:runs], options)
    assert (made["verdict"], exit_code(made, options)) == (verdict, code)
    if verdict == "unknown":
        assert metric(made, "turn_latency p95")["why"] == "three repeats per side decide"
        assert "three times" in made["next_step"]


def test_a_drop_of_completion_fails_and_a_rise_does_not() -> None:
    poor = [a_run("poor", seed, completion=0.7) for seed in (10, 11, 12)]
    assert metric(compare(BEFORE, poor, CompareOptions()), "completion")["verdict"] == "fail"
    better = metric(compare(poor, BEFORE, CompareOptions()), "completion")
    assert (better["verdict"], better["judged"]) == ("pass", "better")


def test_what_is_not_the_same_is_said_and_does_not_stop_it() -> None:
    other = [a_run("other", seed, target="ws://elsewhere:1") for seed in (4, 5, 6)]
    other[0].report["run"] |= {"validity": "degraded", "validity_reasons": ["one worker was lost"]}
    made = compare(BEFORE, other, CompareOptions())
    assert made["not_the_same"] == [
        "target: ws://127.0.0.1:8765 against ws://elsewhere:1",
        "other-4 is degraded: one worker was lost",
    ]
    assert made["verdict"] == "pass"


def test_an_inconclusive_run_decides_nothing() -> None:
    spoiled = [a_run("spoiled", seed, slower=6.0) for seed in (4, 5, 6)]
    spoiled[0].report["run"]["validity"] = "inconclusive"
    made = compare(BEFORE, spoiled, CompareOptions())
    assert exit_code(made, CompareOptions()) is ExitCode.INCONCLUSIVE


def test_no_gate_fails_for_what_only_one_side_was_asked_to_carry() -> None:
    """A ramp that went on to 48 calls, where its agent is full, against one that ended at 24."""
    further = [a_run("further", seed, levels=(6.0, 12.0, 24.0, 48.0)) for seed in (4, 5, 6)]
    for each in further:
        top = each.measured["turn_latency"]
        top.values[top.levels == 3.0] *= 10
        of_calls = each.measured["call_completion"]
        of_calls.values[of_calls.levels == 3.0] = 0.0
    made = compare(BEFORE, further, CompareOptions())

    assert (made["verdict"], made["levels_left_out"]) == ("pass", [48])
    assert metric(made, "turn_latency p95")["change"] == pytest.approx(1.0, abs=0.1)


def test_only_levels_with_the_same_calls_asked_for_are_compared() -> None:
    higher = [a_run("higher", seed, levels=(12.0, 24.0, 48.0)) for seed in (4, 5, 6)]
    made = compare(BEFORE, higher, CompareOptions())
    assert (made["levels_compared"], made["levels_left_out"]) == ([12, 24], [6, 48])
    none = compare(BEFORE, [a_run("none", 4, levels=(7.0, 14.0))], CompareOptions())
    assert none["headline"].startswith("No level was held on both sides")
    assert metric(none, "turn_latency p95")["verdict"] == "unknown"
    assert "--again" in none["next_step"]
