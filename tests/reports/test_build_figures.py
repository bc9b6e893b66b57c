from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.analysis.judge import Measured
from otel_voiceload.reports import build_figures as figures
from otel_voiceload.reports.build_measured import RunSamples
from tests.analysis.shapes import level


def measured(
    values: list[float], levels: list[float], censored: list[bool] | None = None
) -> Measured:
    size = len(values)
    return Measured(
        values=np.array(values),
        censored=np.array(censored or [False] * size, dtype=float),
        calls=np.arange(size, dtype=float),
        levels=np.array(levels),
        phases=np.array([""] * size),
        scenarios=np.array([""] * size),
    )


def calls(**columns: list[object]) -> RunSamples:
    plain: dict[str, list[object]] = {
        "outcome": ["completed", "dropped"],
        "connected": [True, True],
        "packets_lost": [None, None],
        "packets_received": [None, None],
        "transport": ["tcp", "tcp"],
    }
    arrays = {
        key: np.array(values, dtype=float if key.startswith("packets") else None)
        for key, values in (plain | columns).items()
    }
    none = measured([], [])
    return RunSamples({}, arrays, {"jitter": none, "packet_loss": none, "connect_time": none})


def test_a_latency_with_unanswered_turns_says_from_where_it_is_a_lower_limit() -> None:
    found = figures.latency(measured([1.0, 1.0, 8.0], [0, 0, 0], [False, False, True]))
    assert found["censored"] == 1
    assert found["censored_at_s"] == 8.0
    assert found["p50_s"] == 1.0


def test_nothing_measured_is_none_and_not_zero() -> None:
    found = figures.latency(measured([], []))
    assert (found["p50_s"], found["p99_s"], found["samples"]) == (None, None, 0)
    assert figures.jitter(calls())["p95"] is None


@pytest.mark.parametrize(("baseline", "drop"), [(None, None), (0.9, 0.4), (0.5, 0.0)])
def test_completion_and_its_drop(baseline: float | None, drop: float | None) -> None:
    found = figures.completion(calls(), baseline)
    assert found["rate"] == 0.5
    assert found["outcomes"] == {"completed": 1, "dropped": 1}
    assert found["drop_points"] == (None if drop is None else pytest.approx(drop))


def test_loss_is_pooled_over_packets_and_not_over_streams() -> None:
    run = calls(packets_lost=[0, 10], packets_received=[990, 0], transport=["udp", "udp"])
    assert figures.packet_loss(run)["pooled"] == pytest.approx(0.01)


def test_own_levels_up_to_ten_calls_are_the_baseline() -> None:
    rows = {
        "turn_latency": measured([1.0, 2.0, 9.0], [0, 1, 2]),
        "call_completion": measured([], []),
    }
    samples = RunSamples({}, {}, rows)
    levels = [level(0, 5), level(1, 10), level(2, 20)]
    found, up_to = figures.own_baseline(samples, levels)
    assert up_to == 10
    assert found["turn_latency"].values.tolist() == [1.0, 2.0]
    assert figures.own_baseline(samples, levels[2:]) == ({}, None)
    assert figures.own_baseline(samples, levels, 10)[1] == 20, "ten of ours beside ten of others"
    assert figures.baseline({}, None, None)["kind"] == "none"
    assert figures.baseline(found, None, 10)["kind"] == "own_levels"
    assert figures.baseline(found, "base", None)["run_id"] == "base"


def test_generator_figures_that_were_not_recorded_are_none() -> None:
    found = figures.generator(
        {"cpu": 0.5, "late_starts": 3}, {"dispersion": 1.2}, None, None, None, 10, {}
    )
    assert found["cpu"] == 0.5
    assert found["late_starts"] == 3
    assert found["pacing_error_p99_s"] is None
    assert (found["turn_dispersion"], found["prompt_repeat_ratio"]) == (1.2, None)
