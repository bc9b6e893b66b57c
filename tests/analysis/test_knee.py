from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otel_voiceload.analysis.knee import locate
from otel_voiceload.analysis.levels import Cycles
from otel_voiceload.analysis.onset import find_onset
from tests.analysis.shapes import closed_loop, evidence, point

CALLS = (12, 24, 48, 96)


@pytest.mark.parametrize("knee", [30, 48, 70])
def test_plateau_times_unloaded_cycle_is_the_knee(knee: float) -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, knee)})
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    found = locate(seen, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert found.calls == pytest.approx(knee, rel=0.01)
    assert found.low <= knee * 0.94
    assert found.high >= knee * 1.06
    assert found.low < found.calls < found.high


def test_the_same_seed_gives_the_same_interval() -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, 48)})
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    first, second = (locate(seen, "llm", onset, np.random.default_rng(7)) for _ in range(2))
    assert first == second


def test_without_a_turn_cycle_below_the_onset_there_is_no_number() -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, 48)})
    none = Cycles(np.array([]), np.array([]))
    seen = replace(seen, cycles=dict.fromkeys(seen.cycles, none))
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    assert locate(seen, "llm", onset, np.random.default_rng(1)) is None


def test_a_top_level_that_still_carries_its_share_is_no_plateau() -> None:
    seen = evidence(CALLS, {"llm": closed_loop(CALLS, 90)})
    onset = find_onset(seen.series("llm"))
    if onset is not None:
        found = locate(seen, "llm", onset, np.random.default_rng(1))
        assert found is not None
        assert found.still_rising
    full = evidence(CALLS, {"llm": closed_loop(CALLS, 48)})
    onset = find_onset(full.series("llm"))
    assert onset is not None
    found = locate(full, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert not found.still_rising


def test_a_component_that_collapses_is_only_known_between_two_levels() -> None:
    series = closed_loop(CALLS, 200)
    series[2:] = [point(8.0, 1.0), point(8.0, 0.5)]
    seen = evidence(CALLS, {"llm": series})
    onset = find_onset(seen.series("llm"))
    assert onset is not None
    found = locate(seen, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((24 * 0.93, 48 * 1.07))
    assert 24 < found.calls < 48


@pytest.mark.parametrize("share", [1.0, 0.8, 0.1])
def test_a_component_that_few_turns_show_is_full_at_as_many_calls(share: float) -> None:
    """Sampled or lost spans show a part of the work; the knee is that of the whole."""
    whole = [replace(each, turns=600) for each in closed_loop(CALLS, 48)]
    part = [
        replace(
            each,
            turns=round(each.turns * share),
            rate=each.rate * share,
            ended_rate=each.ended_rate * share,
            finished=tuple(per_block * share for per_block in each.finished),
        )
        for each in whole
    ]
    seen = evidence(CALLS, {"turn": whole, "llm": part})
    onset = find_onset(seen.series("turn"))
    assert onset is not None
    found = locate(seen, "llm", onset, np.random.default_rng(1))
    assert found is not None
    assert found.calls == pytest.approx(48, rel=0.03)
