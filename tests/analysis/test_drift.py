from __future__ import annotations

import random

import pytest

from otel_voiceload.analysis.drift import BLOCKS, Block, find


def hold(
    slope_per_hour: float,
    noise: float = 0.0,
    *,
    level: float = 1.0,
    hours: float = 4.0,
    seed: int = 1,
) -> list[Block]:
    """The blocks of one hold whose level drifts."""
    chance = random.Random(seed)
    each_s = hours * 3600 / BLOCKS
    return [
        Block(
            at_s=(number + 0.5) * each_s,
            value=level + slope_per_hour * (number + 0.5) * each_s / 3600 + chance.gauss(0, noise),
            samples=50,
        )
        for number in range(BLOCKS)
    ]


@pytest.mark.parametrize(
    ("slope", "verdict"), [(0.1, "rising"), (-0.1, "falling"), (0.0, "steady"), (0.01, "steady")]
)
def test_a_slope_over_the_floor_is_drift_and_one_below_it_is_not(
    slope: float, verdict: str
) -> None:
    found = find("turn_latency", "s", hold(slope, noise=0.004))

    assert found.verdict == verdict
    assert found.per_hour == pytest.approx(slope, abs=0.005)
    assert found.ci is not None
    assert found.ci[0] <= found.per_hour <= found.ci[1]


def test_what_never_moves_is_steady_also_at_nothing() -> None:
    assert find("no_response", "ratio", hold(0.0, level=0.0)).verdict == "steady"


def test_one_bad_block_is_no_drift() -> None:
    blocks = hold(0.0, noise=0.004)
    blocks[-1] = Block(blocks[-1].at_s, 9.0, 50)

    assert find("turn_latency", "s", blocks).verdict == "steady"


def test_noise_that_hides_a_twentieth_is_unknown_and_says_what_would_help() -> None:
    found = find("turn_latency", "s", hold(0.0, noise=0.3))

    assert found.verdict == "unknown"
    assert "hold it for longer" in found.why


def test_a_short_hold_is_unknown_and_has_no_numbers() -> None:
    thin = [Block(block.at_s, block.value, 4) for block in hold(0.5)]

    found = find("turn_latency", "s", thin)

    assert (found.verdict, found.per_hour, found.ci) == ("unknown", None, None)
    assert "0 of 12 blocks" in found.why


def test_what_falls_is_used_up_from_above() -> None:
    blocks = hold(-100.0, level=1000.0)

    found = find("machine_disk_free", "By", blocks, limit=0.0, falls=True)

    assert found.verdict == "falling"
    assert found.exhausted_in_s == pytest.approx(blocks[-1].value / 100 * 3600)
    assert found.exhausted_at_least_s == pytest.approx(found.exhausted_in_s)
    assert find("target_fds", "1", blocks, limit=2000.0).exhausted_in_s is None


def test_what_grows_runs_out_in_a_time_counted_from_the_last_block() -> None:
    blocks = hold(100.0, level=1000.0)

    found = find("target_fds", "", blocks, limit=blocks[-1].value + 200.0)

    assert found.exhausted_in_s == pytest.approx(2 * 3600)
    assert found.exhausted_at_least_s == pytest.approx(2 * 3600)


def test_what_is_steady_never_runs_out() -> None:
    assert find("target_fds", "", hold(0.0, level=1000.0), limit=1100.0).exhausted_in_s is None


def test_a_count_near_nothing_has_no_relative_change() -> None:
    from_nothing = hold(0.2, level=0.0)

    assert find("error_rate", "ratio", from_nothing).verdict == "rising"
    assert find("error_rate", "ratio", from_nothing, least_level=100.0).verdict == "steady"


def test_steady_holds_with_resembling_neighbours_seldom_look_like_drift() -> None:
    """The figures of the method's evidence: 1 % at no correlation, 12 % at 0.8, over 5 minutes."""
    alarms = {0.0: 0, 0.8: 0}
    for correlation in alarms:
        for seed in range(200):
            chance = random.Random(seed)
            values, state = [], 0.0
            for _ in range(96):
                state = correlation * state + chance.gauss(0, 0.08 * (1 - correlation**2) ** 0.5)
                values.append(1.0 + state)
            blocks = [
                Block((n + 0.5) * 2400, sorted(values[n * 8 : n * 8 + 8])[4], 8)
                for n in range(BLOCKS)
            ]
            alarms[correlation] += find("x", "s", blocks).verdict in ("rising", "falling")

    assert alarms[0.0] <= 6
    assert alarms[0.8] <= 30
