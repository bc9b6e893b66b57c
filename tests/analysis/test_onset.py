from __future__ import annotations

import pytest

from otel_voiceload.analysis.onset import find_onset, is_candidate
from tests.analysis.shapes import closed_loop, evidence, level, point, steady

CALLS = (10, 20, 40, 80, 160)


def test_a_full_component_bends_at_the_first_level_beyond_its_knee_with_kappa_near_one() -> None:
    series = evidence(CALLS, {"llm": closed_loop(CALLS, knee=50)}).series("llm")
    onset = find_onset(series)
    assert onset is not None
    assert series[onset.index][0].calls == 80
    assert 40 < onset.calls < 80
    assert onset.kappa == pytest.approx(1.0, abs=0.1)
    assert is_candidate(series, onset)


def test_what_stays_the_same_does_not_bend() -> None:
    assert find_onset(evidence(CALLS, {"stt": steady(CALLS, 0.06)}).series("stt")) is None


def test_one_slow_level_among_well_ones_is_no_onset() -> None:
    series = steady(CALLS, 0.5)
    series[2] = point(1.5, 40 / 3)
    assert find_onset(evidence(CALLS, {"llm": series}).series("llm")) is None


def test_a_growth_of_a_few_milliseconds_is_nothing_to_fix() -> None:
    series = [point(0.0001 * each, each / 3) for each in CALLS]
    assert find_onset(evidence(CALLS, {"network": series}).series("network")) is None


def test_a_slow_drift_bends_but_is_not_saturated() -> None:
    series = [point(0.10 * (1 + 0.2 * index), each / 3) for index, each in enumerate(CALLS)]
    seen = evidence(CALLS, {"tts": series}).series("tts")
    onset = find_onset(seen)
    assert onset is not None
    assert onset.kappa < 0.18
    assert not is_candidate(seen, onset)


def test_errors_count_like_latency() -> None:
    series = [point(0.3, each / 3, errors=0 if each < 80 else 20) for each in CALLS]
    seen = evidence(CALLS, {"tts": series}).series("tts")
    onset = find_onset(seen)
    assert onset is not None
    assert onset.by_errors
    assert onset.calls == 80
    assert is_candidate(seen, onset)


def test_two_errors_in_a_few_turns_are_luck() -> None:
    series = [point(0.3, each / 3, turns=20, errors=1 if each >= 80 else 0) for each in CALLS]
    assert find_onset(evidence(CALLS, {"tts": series}).series("tts")) is None


def test_one_level_has_nothing_to_compare_with() -> None:
    assert find_onset(evidence((10,), {"llm": steady((10,), 0.5)}).series("llm")) is None


def test_a_component_that_serves_nobody_any_more_is_as_full_as_can_be() -> None:
    series = [point(0.3, each / 3) for each in CALLS[:3]]
    series += [point(7.7, 0.0, given_up=each / 10) for each in CALLS[3:]]
    seen = evidence(CALLS, {"llm": series}).series("llm")
    onset = find_onset(seen)
    assert onset is not None
    assert onset.kappa > 0.5
    assert is_candidate(seen, onset)


def test_a_little_queueing_long_before_does_not_hide_where_it_fills() -> None:
    calls = (6, 12, 24, 49, 98, 196, 392)
    means = (0.1, 0.1, 0.14, 0.16, 0.18, 3.0, 9.0)
    series = [
        (level(number, each), point(mean_s, min(each, 110) / 4.0))
        for number, (each, mean_s) in enumerate(zip(calls, means, strict=True))
    ]
    onset = find_onset(series)
    assert onset is not None
    assert onset.kappa > 0.5
    assert is_candidate(series, onset)
