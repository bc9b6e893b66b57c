from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from otel_voiceload.analysis.judge import Grounds, Measured, judge
from otel_voiceload.analysis.thresholds import Threshold, parse
from tests.analysis.shapes import level

LEVELS = (level(0, 10), level(1, 20), level(2, 40))


def measured(
    values: Sequence[float],
    levels: Sequence[float] | None = None,
    *,
    censored: Sequence[bool] | None = None,
    phase: str = "ramp",
) -> Measured:
    size = len(values)
    return Measured(
        values=np.array(values, dtype=float),
        censored=np.array(censored if censored is not None else [False] * size, dtype=float),
        calls=np.arange(size, dtype=float),
        levels=np.array(levels if levels is not None else [np.nan] * size, dtype=float),
        phases=np.array([phase] * size),
        scenarios=np.array(["booking"] * size),
    )


def one(text: str) -> Threshold:
    (threshold,) = parse(text)
    return threshold


def grounds(data: Measured, metric: str = "turn_latency", **more: Any) -> Grounds:
    plain = Grounds({metric: data}, (), {}, packets=False, searches=False)
    return replace(plain, **more)


@pytest.mark.parametrize(
    ("slow", "verdict"), [(0, "pass"), (8, "unknown"), (60, "fail")], ids=["few", "some", "many"]
)
def test_pass_and_fail_need_their_bound_on_the_right_side(slow: int, verdict: str) -> None:
    values = [1.0] * (200 - slow) + [3.0] * slow
    judged = judge(one("turn_latency: p95<2s"), grounds(measured(values)))
    assert judged.verdict == verdict
    assert (judged.needs_calls is not None) == (verdict == "unknown")
    assert judged.low is not None or judged.high is not None


def test_a_rate_passes_from_below() -> None:
    ends = measured([1.0] * 195 + [0.0] * 5)
    assert (
        judge(one("call_completion: rate>90%"), grounds(ends, "call_completion")).verdict == "pass"
    )
    assert (
        judge(one("call_completion: rate>99.9%"), grounds(ends, "call_completion")).verdict
        == "fail"
    )


def test_turns_without_an_answer_can_fail_but_not_pass_a_limit_over_their_deadline() -> None:
    values = [1.0] * 80 + [8.0] * 20
    data = measured(values, censored=[False] * 80 + [True] * 20)
    assert judge(one("turn_latency: p95<4s"), grounds(data)).verdict == "fail"
    assert judge(one("turn_latency: p95<20s"), grounds(data)).verdict == "unknown"


def test_packets_of_a_wire_that_nobody_knows_are_unknown() -> None:
    unknown = Grounds({}, (), {}, packets=False, searches=False, wire_known=False)
    assert judge(one("jitter: p95<30ms"), unknown).verdict == "unknown"


def test_packets_are_judged_only_on_wires_that_have_them() -> None:
    data = measured([0.01] * 100)
    judged = judge(one("jitter: p95<30ms"), grounds(data, "jitter"))
    assert judged.verdict == "not_applicable"
    judged = judge(one("jitter: p95<30ms"), grounds(data, "jitter", packets=True))
    assert judged.verdict == "pass"


def test_a_metric_that_this_run_does_not_have_is_unknown() -> None:
    judged = judge(one("wer: value<10%"), grounds(measured([1.0])))
    assert judged.verdict == "unknown"
    assert judged.why == "this run has no figure for wer"


def test_twice_the_baseline_is_twice_its_own_percentile() -> None:
    base = {"turn_latency": measured([1.0] * 100)}
    data = measured([1.5] * 200)
    threshold = one("turn_latency: p95<2x baseline")
    assert judge(threshold, grounds(data, baseline=base)).verdict == "pass"
    assert judge(threshold, grounds(measured([2.5] * 200), baseline=base)).verdict == "fail"
    assert "no baseline" in (judge(threshold, grounds(data)).why or "")


def test_a_drop_is_in_points_against_the_baseline() -> None:
    base = {"call_completion": measured([1.0] * 100)}
    threshold = one("call_completion: drop<5pp")
    well = grounds(measured([1.0] * 400), "call_completion", baseline=base)
    worse = grounds(measured([1.0] * 320 + [0.0] * 80), "call_completion", baseline=base)
    assert judge(threshold, well).verdict == "pass"
    judged = judge(threshold, worse)
    assert judged.verdict == "fail"
    assert judged.observed == pytest.approx(0.2)


SEARCHED = measured([0.5] * 100 + [0.6] * 100 + [3.0] * 100, [0] * 100 + [1] * 100 + [2] * 100)


def test_a_search_marks_the_levels_that_broke_and_decides_nothing() -> None:
    judged = judge(one("turn_latency: p95<2s"), grounds(SEARCHED, levels=LEVELS, searches=True))
    assert judged.levels_broken == (40,)
    assert judged.judged_at == 40
    assert judged.why == "held up to 20 calls, broken from 40"
    assert not judged.decides


def test_at_the_expected_peak_a_search_is_judged_like_any_other() -> None:
    threshold = one("turn_latency: p95<2s")
    on = grounds(SEARCHED, levels=LEVELS, searches=True, expected_peak=20)
    judged = judge(threshold, on)
    assert judged.verdict == "pass"
    assert judged.judged_at == 20
    assert judged.decides


@pytest.mark.parametrize(
    ("limit", "peak", "verdict", "at"),
    [
        ("2s", 200, "fail", 40),
        ("2s", 30, "unknown", None),
        ("550ms", 30, "fail", 20),
        ("4s", 30, "pass", 40),
        ("4s", 200, "unknown", None),
    ],
    ids=["broken_below", "between_both", "broken_below_it", "held_above", "held_below_only"],
)
def test_a_peak_that_was_not_held_is_judged_by_the_levels_around_it(
    limit: str, peak: float, verdict: str, at: float | None
) -> None:
    on = grounds(SEARCHED, levels=LEVELS, searches=True, expected_peak=peak)
    judged = judge(one(f"turn_latency: p95<{limit}"), on)
    assert (judged.verdict, judged.judged_at) == (verdict, at)
    assert judged.decides
    if verdict == "unknown":
        assert f"no level near the expected peak of {peak} calls was held" in (judged.why or "")


def test_what_a_search_breaks_is_shown_where_it_is_sure() -> None:
    """At the lowest level three turns say too little; that a hundred at the next do is the news."""
    few = measured([3.0] * 103, [0] * 3 + [1] * 100)
    judged = judge(one("turn_latency: p50<2s"), grounds(few, levels=LEVELS, searches=True))
    assert (judged.verdict, judged.judged_at) == ("fail", 20)
    assert judged.levels_broken == (10, 20)
    assert judged.why == "broken already at the lowest level, 10 calls"


def test_work_that_callers_did_not_wait_for_holds_no_limit() -> None:
    """Half of it was cut off after a second: how long it would have taken nobody knows."""
    values, levels = [0.5] * 100 + [1.0] * 200, [0] * 100 + [1] * 200
    cut = measured(values, levels, censored=[False] * 100 + [True, False] * 100)
    on = grounds(cut, "tts", levels=LEVELS, searches=True)
    judged = judge(one("tts: p95<1.2s"), on)
    assert judged.levels_broken == ()
    assert judged.why == "held up to 10 calls; with more it can not be told"
    at_peak = judge(one("tts: p95<1.2s"), replace(on, expected_peak=20))
    assert (at_peak.verdict, at_peak.observed, at_peak.at_least) == ("unknown", 1.0, True)


def test_a_selector_takes_only_its_phase() -> None:
    judged = judge(one("turn_latency{phase:spike}: p95<2s"), grounds(measured([1.0] * 100)))
    assert judged.verdict == "not_applicable"
    assert judged.verdict == "not_applicable", "a phase of the method that this run has not"
    spike = grounds(measured([1.0] * 100, phase="spike"))
    assert judge(one("turn_latency{phase:spike}: p95<2s"), spike).verdict == "pass"


@pytest.mark.parametrize(
    ("text", "verdict"), [("max<2s", "pass"), ("avg<0.9s", "fail"), ("min>2s", "fail")]
)
def test_other_statistics(text: str, verdict: str) -> None:
    data = measured([1.0] * 99 + [1.9])
    assert judge(one(f"turn_latency: {text}"), grounds(data)).verdict == verdict


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ("phase:ram", "its phases are ramp"),
        ("level:30", "its levels are 10, 20, 40 calls"),
        ("scenario:bokking", "nothing in this run matches"),
    ],
)
def test_a_selector_that_nothing_matches_is_no_promise_kept(selector: str, says: str) -> None:
    data = measured([1.0] * 100, [0.0] * 100)
    judged = judge(one(f"turn_latency{{{selector}}}: p95<2s"), grounds(data, levels=LEVELS))
    assert judged.verdict == "unknown"
    assert judged.why is not None
    assert says in judged.why


def test_a_level_is_named_by_its_calls() -> None:
    data = measured([1.0] * 100 + [3.0] * 100, [0.0] * 100 + [2.0] * 100)
    found = [
        judge(one(f"turn_latency{{level:{calls}}}: p95<2s"), grounds(data, levels=LEVELS))
        for calls in (10, 40)
    ]
    assert [each.verdict for each in found] == ["pass", "fail"]
