from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from otel_voiceload.conventions import LIMIT_REASONS
from otel_voiceload.load.health import (
    BOUNDS,
    LoopLag,
    Probe,
    limited,
    limited_by,
    read_run_delay_ns,
)
from otel_voiceload.model import NS_PER_MS, NS_PER_S, Health
from otel_voiceload.transports.ticker import TickHealth

GOOD = Health(0, 0, 12, 600, 0, 0.0, 0.003, 0.002, 0.05, 0.2, 0, 0)
TICKS = TickHealth(600, 6, 0.01, 0.004)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        ({"pacing_error_p99_s": 0.020}, ()),
        ({"pacing_error_p99_s": 0.035}, ("pacing_error",)),
        ({"late_share": 0.02}, ("late_frames",)),
        ({"loop_lag_p99_s": 0.08}, ("loop_lag",)),
        ({"run_delay_share": 0.6, "late_share": 1.0}, ("late_frames", "run_delay")),
        ({"cpu": 1.0}, ()),  # a full core is no fault as long as the frames leave in time
    ],
)
def test_each_sign_of_a_late_generator_is_told(
    changes: dict[str, float], reasons: tuple[str, ...]
) -> None:
    assert limited_by(replace(GOOD, **changes)) == reasons  # type: ignore[arg-type]  # by name


def test_every_reason_has_its_bound() -> None:
    assert tuple(bound.reason for bound in BOUNDS) == LIMIT_REASONS


def seconds(count: int, *, bad: int = 0, shard: int = 0) -> list[Health]:
    return [
        replace(
            GOOD,
            shard_index=shard,
            at_mono_ns=second * NS_PER_S,
            limited_by=("loop_lag",) if second < bad else (),
        )
        for second in range(count)
    ]


def test_a_stage_is_limited_when_more_than_a_quarter_of_its_seconds_are() -> None:
    assert not limited([])
    assert not limited(seconds(4, bad=1))
    assert limited(seconds(3, bad=1))


def test_the_seconds_of_all_shards_count_alike() -> None:
    assert not limited([*seconds(4, bad=2), *seconds(4, shard=1)])
    assert limited([*seconds(4, bad=3), *seconds(4, shard=1)])


def test_seconds_that_a_frozen_shard_left_out_are_limited_too() -> None:
    frozen = seconds(12)
    assert not limited(frozen[:4] + frozen[6:])
    assert limited(frozen[:4] + frozen[7:])


def test_the_probe_reports_shares_of_the_time_since_it_was_last_asked() -> None:
    cpu_s, delay_ns = iter([10.0, 10.5, 10.5]), iter([1000, 1000 + 200 * NS_PER_MS, None])
    probe = Probe(3, 0, lambda: next(cpu_s), lambda: next(delay_ns))
    health = probe.take(
        2 * NS_PER_S, TICKS, 0.001, calls_active=5, late_starts=1, connect_pending=2
    )
    assert health == Health(3, 2 * NS_PER_S, 5, 600, 6, 0.01, 0.004, 0.001, 0.1, 0.25, 1, 2)
    nothing = probe.take(3 * NS_PER_S, TICKS, 0.0, calls_active=0, late_starts=0, connect_pending=0)
    assert (nothing.cpu, nothing.run_delay_share) == (0.0, 0.0)


def test_traffic_is_told_as_a_rate_since_the_last_word() -> None:
    probe = Probe(0, 0, lambda: 0.0, lambda: None)
    rates = []
    for at_s, traffic in ((1, (3200, 100)), (3, (7200, 100))):
        told = probe.take(
            *(at_s * NS_PER_S, TICKS, 0.0),
            calls_active=1,
            late_starts=0,
            connect_pending=0,
            traffic=traffic,
        )
        rates.append((told.sent_bytes_per_s, told.received_bytes_per_s))
    assert rates == [(3200.0, 100.0), (2000.0, 0.0)]


def test_the_probe_says_itself_whether_the_second_counts() -> None:
    probe = Probe(0, 0, lambda: 0.0, lambda: None)
    late = TickHealth(600, 0, 0.0, 0.03)
    told = probe.take(NS_PER_S, late, 0.09, calls_active=1, late_starts=0, connect_pending=0)
    assert told.limited_by == ("pacing_error", "loop_lag")


def test_the_run_delay_is_a_count_or_not_known() -> None:
    first, second = read_run_delay_ns(), read_run_delay_ns()
    assert (first is None and second is None) or 0 <= (first or 0) <= (second or 0)


def test_the_loops_lag_is_the_longest_of_a_few() -> None:
    lag = LoopLag()
    for milliseconds in (1, 30, 2, -1):
        lag.note(milliseconds * NS_PER_MS)
    assert lag.take_p99_s() == 0.030
    assert lag.take_p99_s() == 0.0


def test_a_blocked_loop_shows_as_lag() -> None:
    now_ns = 0

    async def blocked() -> float:
        nonlocal now_ns
        lag = LoopLag(clock=lambda: now_ns)
        lag.start()
        now_ns = 250 * NS_PER_MS  # the loop wakes 200 ms after its 50
        await asyncio.sleep(0.06)
        lag.stop()
        return lag.take_p99_s()

    assert asyncio.run(blocked()) == pytest.approx(0.2)
