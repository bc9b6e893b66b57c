from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.analysis.spike_recovery import After, interval

WATCHED_S = 120.0
BLOCK_S = 10.0


def spike(over_s: float, seed: int, *, calls: int = 20, factor: float = 4.0) -> After:
    """Turns of ``calls`` callers, four times as slow from the spike's end until ``over_s``."""
    rng = np.random.default_rng(seed)
    since = np.concatenate([np.arange(-60.0, 0.0, 5.0), np.arange(0.0, WATCHED_S, 5.0)])
    since_s = np.concatenate([since + rng.uniform(0, 5) for _ in range(calls)])
    call = np.repeat(np.arange(calls), len(since))
    latency_s = np.exp(rng.normal(np.log(0.6), 0.25, len(since_s)))
    latency_s *= np.where((since_s >= 0) & (since_s < over_s), factor, 1.0)
    keep = since_s < WATCHED_S
    return After(since_s[keep], latency_s[keep], call[keep], BLOCK_S, WATCHED_S)


def covers(over_s: float, seed: int) -> bool:
    found = interval(spike(over_s, seed))
    assert found is not None
    low, high = found
    return low <= over_s <= (np.inf if high is None else high)


def test_the_interval_covers_the_moment_at_which_the_spike_was_over() -> None:
    times = [0.0, 17.0, 40.0, 63.0, 88.0]
    hits = [covers(over_s, seed) for seed in range(12) for over_s in times]

    assert np.mean(hits) >= 0.92


def test_it_is_no_wider_than_a_few_blocks() -> None:
    found = interval(spike(40.0, 1))
    assert found is not None

    low, high = found
    assert high is not None
    assert high - low <= 5 * BLOCK_S


def test_what_was_not_over_in_time_is_open_above() -> None:
    assert interval(spike(WATCHED_S, 1)) == (WATCHED_S, None)
    found = interval(spike(WATCHED_S - 8, 1))
    assert found is not None
    assert found[0] >= WATCHED_S / 2


def test_one_caller_says_nothing() -> None:
    assert interval(spike(20.0, 1, calls=1)) is None


@pytest.mark.parametrize("calls", [2, 3])
def test_few_callers_give_an_interval_or_none_and_never_an_error(calls: int) -> None:
    for seed in range(5):
        found = interval(spike(30.0, seed, calls=calls))
        assert found is None or found[0] >= 0
