from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from otel_voiceload.load.health import (
    LoopLag,
    Probe,
    limited,
    read_run_delay_ns,
    within_bounds,
)
from otel_voiceload.model import NS_PER_MS, NS_PER_S, Health
from otel_voiceload.transports.ticker import TickHealth

GOOD = Health(0, 0, 12, 600, 0, 0.0, 0.003, 0.002, 0.05, 0.2, 0, 0)
TICKS = TickHealth(600, 6, 0.01, 0.004)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"pacing_error_p99_s": 0.020}, None),
        ({"pacing_error_p99_s": 0.035}, "pacing error p99 35 ms is over 20 ms"),
        ({"late_share": 0.02}, "share of frames dropped late 2.0 % is over 1.0 %"),
        ({"loop_lag_p99_s": 0.08}, "event loop lag p99 80 ms is over 50 ms"),
        ({"run_delay_share": 0.6}, "time waiting for a core 60.0 % is over 50.0 %"),
        ({"cpu": 1.0}, None),  # a full core is no fault as long as the frames leave in time
    ],
)
def test_each_sign_of_a_late_generator_is_told(
    changes: dict[str, float], reason: str | None
) -> None:
    reasons = within_bounds(replace(GOOD, **changes))  # type: ignore[arg-type]  # fields by name
    assert reasons == ([] if reason is None else [reason])


def test_a_stage_is_limited_when_a_quarter_of_its_seconds_are() -> None:
    bad = replace(GOOD, late_share=0.5)
    assert not limited([])
    assert not limited([GOOD] * 3 + [bad])
    assert limited([GOOD] * 2 + [bad])


def test_the_probe_reports_shares_of_the_time_since_it_was_last_asked() -> None:
    cpu_s, delay_ns = iter([10.0, 10.5, 10.5]), iter([1000, 1000 + 200 * NS_PER_MS, None])
    probe = Probe(3, 0, lambda: next(cpu_s), lambda: next(delay_ns))
    health = probe.take(
        2 * NS_PER_S, TICKS, 0.001, calls_active=5, late_starts=1, connect_pending=2
    )
    assert health == Health(3, 2 * NS_PER_S, 5, 600, 6, 0.01, 0.004, 0.001, 0.1, 0.25, 1, 2)
    nothing = probe.take(3 * NS_PER_S, TICKS, 0.0, calls_active=0, late_starts=0, connect_pending=0)
    assert (nothing.cpu, nothing.run_delay_share) == (0.0, 0.0)


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
