"""Comparing runs: what is told, what is not, and how often it is told of runs that are alike."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from otel_voiceload.analysis.compare import (
    Difference,
    Kind,
    Observed,
    Rows,
    Verdict,
    between,
    changed,
    judged,
    mean,
    quantiles,
    rate,
)
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import NS_PER_S, Stage, TurnRecord


def rows(
    values: Sequence[float],
    calls: Sequence[int] | None = None,
    levels: Sequence[int] | None = None,
    censored: float = inf,
) -> Rows:
    return Rows(
        np.array(values, dtype=float),
        np.array(calls if calls is not None else range(len(values))),
        np.array(levels if levels is not None else [0] * len(values)),
        np.array([value >= censored for value in values]),
    )


def a_run(seed: int, *, slower: float = 1.0, run_noise: float = 0.0, calls: int = 100) -> Rows:
    """Calls of eight turns, some calls slower than others, and runs that differ by themselves."""
    chance = np.random.default_rng(seed)
    of_run = slower * np.exp(run_noise * chance.standard_normal())
    of_call = np.exp(0.2 * chance.standard_normal(calls))
    turns = 0.6 * of_run * of_call[:, None] * np.exp(0.3 * chance.standard_normal((calls, 8)))
    return rows(turns.ravel().tolist(), np.repeat(np.arange(calls), 8).tolist())


def p95(data: Rows) -> Observed:
    (value,) = quantiles(data, (0.95,), seed=1)
    assert value is not None
    return value


def test_calls_are_resampled_and_not_turns() -> None:
    of_call = np.exp(0.3 * np.random.default_rng(1).standard_normal(100))
    data = rows(np.repeat(of_call, 8).tolist(), np.repeat(np.arange(100), 8).tolist())
    alone = replace(data, calls=np.arange(len(data.values)))
    assert p95(data).spread > 1.5 * p95(alone).spread
    assert p95(data).value == p95(alone).value


def test_every_level_counts_the_same_however_many_turns_it_has() -> None:
    fast, slow = [0.5] * 900, [1.5] * 100
    data = rows(fast + slow, levels=[6] * 900 + [48] * 100)
    assert mean(data) == pytest.approx(1.0)
    assert p95(data).value == 1.5
    assert p95(rows(fast + [1.5] * 40)).value == 0.5


def test_what_nobody_waited_longer_for_is_a_least_value() -> None:
    data = rows([0.5] * 80 + [8.0] * 20, censored=8.0)
    assert p95(data).at_least
    assert not p95(rows([0.5] * 80 + [8.0] * 20)).at_least


@pytest.mark.parametrize(
    ("count", "share", "told"),
    [(58, 0.95, False), (59, 0.95, True), (298, 0.99, False), (9, 0.5, False), (10, 0.5, True)],
)
def test_too_few_rows_say_nothing_of_a_percentile(count: int, share: float, told: bool) -> None:
    (value,) = quantiles(rows([0.5] * count), (share,), seed=1)
    assert (value is not None) == told


def test_a_share_without_a_failure_is_still_not_known_for_certain() -> None:
    perfect = rate(rows([1.0] * 50), seed=1)
    assert perfect is not None
    assert perfect.value == 1.0
    assert 0.01 < perfect.spread < 0.05
    assert rate(rows([1.0] * 9), seed=1) is None


@pytest.mark.parametrize(
    ("kind", "change", "low", "high", "tolerated", "verdict"),
    [
        ("seconds", 1.3, 1.2, 1.4, 0.1, "fail"),
        ("seconds", 1.05, 1.0, 1.09, 0.1, "pass"),
        ("seconds", 1.1, 1.0, 1.2, 0.1, "unknown"),
        ("seconds", 1.3, 1.2, inf, 0.1, "fail"),
        ("seconds", 1.0, -inf, 1.02, 0.1, "pass"),
        ("completion", -0.1, -0.12, -0.08, 0.05, "fail"),
        ("completion", 0.1, 0.08, 0.12, 0.05, "pass"),
        ("errors", 0.1, 0.08, 0.12, 0.05, "fail"),
        ("calls", 0.5, 0.45, 0.55, 0.1, "fail"),
        ("calls", 1.9, 1.7, 2.1, 0.1, "pass"),
        ("calls", 0.95, -inf, inf, 0.1, "unknown"),
    ],
)
def test_a_gate_fails_only_when_the_whole_interval_is_worse(
    kind: Kind, change: float, low: float, high: float, tolerated: float, verdict: Verdict
) -> None:
    found = Difference(1.0, change, change, low, high, sure=(low, high))
    assert judged(found, kind, tolerated) == verdict


def test_a_least_number_of_calls_shows_a_loss_and_never_a_gain() -> None:
    over_96 = Observed(96.0, 0.0, True, at_least=True)
    at_48 = Observed(48.0, 0.02, True)
    loss = between([over_96], [at_48])
    gain = between([at_48], [over_96])
    assert loss is not None
    assert gain is not None
    assert (loss.low, judged(loss, "calls", 0.1)) == (-inf, "fail")
    assert (gain.high, changed(gain, "calls", 1)) == (inf, "better")


def test_a_side_of_which_one_run_says_nothing_says_nothing() -> None:
    known = Observed(1.0, 0.01, True)
    assert between([known, None], [known, known]) is None
    assert between([known], []) is None


def test_repeats_that_differ_widen_the_interval_beyond_what_their_calls_say() -> None:
    alike = [Observed(value, 0.01, True) for value in (1.0, 1.0, 1.0)]
    apart = [Observed(value, 0.01, True) for value in (0.8, 1.0, 1.25)]
    narrow, wide = between(alike, alike), between(apart, alike)
    assert narrow is not None
    assert wide is not None
    assert wide.high / wide.low > 1.3 > 1.05 > narrow.high / narrow.low


def test_three_repeats_find_a_fifth_and_raise_hardly_an_alarm_where_nothing_changed() -> None:
    """With 3 % between runs; a pair would alarm in every fifth case if it was allowed to."""
    same = [p95(a_run(seed, run_noise=0.03)) for seed in range(60)]
    slow = [p95(a_run(seed, run_noise=0.03, slower=1.2)) for seed in range(100, 130)]
    chance = random.Random(1)

    def shares(others: list[Observed]) -> tuple[float, float]:
        failed = told = 0
        for _ in range(1000):
            base = chance.sample(same[:30], 3)
            found = between(base, chance.sample(others, 3))
            assert found is not None
            failed += judged(found, "seconds", 0.05) == "fail"
            told += changed(found, "seconds", 3) == "worse"
        return failed / 1000, told / 1000

    assert shares(same[30:])[0] <= 0.01, "tolerated 5 %, nothing changed"
    assert shares(same[30:])[1] <= 0.02, "told as worse, nothing changed"
    assert shares(slow)[0] >= 0.7, "tolerated 5 %, a fifth slower"


def test_simulated_runs_of_the_same_agent_raise_no_alarm() -> None:
    callers = CallerModel()
    config = solve_plant("llm", 24, callers.cycle(), seed=1)
    stages = [Stage(0, "steady", 0.0, 120.0, 12, 12)]
    observed = []
    for seed in range(14):
        heard = [
            ((turn.first_audio_mono_ns - turn.speech_end_mono_ns) / NS_PER_S, turn.call.call_index)
            for turn in simulate(stages, config, callers, seed=seed)
            if isinstance(turn, TurnRecord) and turn.first_audio_mono_ns is not None
        ]
        observed.append(p95(rows([s for s, _ in heard], [index for _, index in heard])))
    chance = random.Random(1)
    alarms = 0
    for _ in range(300):
        picked = chance.sample(observed, 6)
        found = between(picked[:3], picked[3:])
        assert found is not None
        alarms += judged(found, "seconds", 0.10) == "fail"
    assert alarms <= 3
