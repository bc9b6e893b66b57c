"""The simulated network: drawn delays, order kept within a lane, none between lanes."""

from __future__ import annotations

import asyncio

from otel_voiceload.transports.network_delay import NetworkDelay
from tests.transports.peers import run

MS = 1_000_000


def test_nothing_overtakes_within_a_lane_and_lanes_are_independent() -> None:
    async def play() -> list[tuple[int, str]]:
        now = 0
        delays = iter([0.030, 0.005, 0.010])
        network = NetworkDelay(lambda: next(delays), clock=lambda: now)
        out: list[tuple[int, str]] = []
        slow, quick = network.lane(), network.lane()
        slow.put(lambda word: out.append((now // MS, word)), "first")
        slow.put(lambda word: out.append((now // MS, word)), "second")  # 5 ms: waits for the first
        quick.put(lambda word: out.append((now // MS, word)), "other")
        for ms in range(40):
            now = ms * MS
            network.run_due(now)
        return out

    assert run(play()) == [(10, "other"), (30, "first"), (30, "second")]


def test_the_next_due_time_is_told_and_nothing_is_none() -> None:
    async def play() -> None:
        network = NetworkDelay(lambda: 0.002, clock=lambda: 0)
        network.lane().put(lambda: None)
        assert network.run_due(1 * MS) == 2 * MS
        assert network.run_due(2 * MS) is None

    run(play())


def test_a_negative_draw_is_no_delay() -> None:
    async def play() -> list[int]:
        out: list[int] = []
        network = NetworkDelay(lambda: -1.0, clock=lambda: 0)
        network.lane().put(out.append, 1)
        network.run_due(0)
        return out

    assert run(play()) == [1]


def test_the_timer_delivers_also_what_was_put_while_it_ran() -> None:
    async def play() -> None:
        network = NetworkDelay(lambda: 0.001)
        done = asyncio.Event()
        back = network.lane()
        network.lane().put(lambda: back.put(done.set))
        await done.wait()

    run(play())
