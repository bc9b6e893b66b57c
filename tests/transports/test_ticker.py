"""The pacing loop: a fixed schedule, late slots at once, over-late ones skipped and counted."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

import pytest

from otel_voiceload.audio.encoding import FRAME_NS
from otel_voiceload.transports.ticker import FrameTicker, TickHealth
from tests.transports.peers import run

MS = 1_000_000
START = 5_000 * MS


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


async def ticker_with(
    calls: int, clock: Clock, slots: int = 10
) -> tuple[FrameTicker, list[tuple[int, int, int]]]:
    """A ticker whose own task never runs, and (who, scheduled, now) in ms since the start."""
    ticker = FrameTicker(slots, clock)
    ran: list[tuple[int, int, int]] = []
    for who in range(calls):
        ticker.add(
            lambda scheduled, now, who=who: ran.append(  # type: ignore[misc]  # bound early
                (who, (scheduled - START) // MS, (now - START) // MS)
            )
        )
    return ticker, ran


def advance_to(ticker: FrameTicker, clock: Clock, ms: float) -> None:
    clock.now = START + round(ms * MS)
    while ticker.advance(clock.now) <= clock.now:
        pass


def test_calls_are_spread_over_the_frame_and_run_once_in_each() -> None:
    async def play() -> list[tuple[int, int, int]]:
        clock = Clock()
        ticker, ran = await ticker_with(12, clock)
        for ms in range(40):
            advance_to(ticker, clock, ms)
        ticker.close()
        return ran

    ran = run(play())
    assert [(who, at) for who, _, at in ran if at < 20] == [
        *((0, 0), (10, 0), (1, 2), (11, 2)),
        *((who, 2 * who) for who in range(2, 10)),
    ]
    assert [(who, at - 20) for who, _, at in ran if at >= 20] == [
        (who, at) for who, _, at in ran if at < 20
    ]
    assert all(scheduled == at for _, scheduled, at in ran)


@pytest.mark.parametrize(
    ("stall_until_ms", "ran", "health"),
    [
        # One call in slot 0 of 2: due at 0, 20, 40, 60. The loop wakes at 0, then only at ...
        (20, [(0, 0), (20, 20)], (2, 0)),
        (31, [(0, 0), (20, 31)], (2, 0)),  # late: at once
        (40, [(0, 0), (20, 40), (40, 40)], (3, 0)),  # a whole frame late is not yet too late
        (41, [(0, 0), (40, 41)], (3, 1)),  # 21 ms late: skipped
        (65, [(0, 0), (60, 65)], (4, 2)),
    ],
)
def test_a_late_loop_keeps_its_schedule(
    stall_until_ms: int, ran: list[tuple[int, int]], health: tuple[int, int]
) -> None:
    async def play() -> tuple[list[tuple[int, int, int]], TickHealth]:
        clock = Clock()
        ticker, seen = await ticker_with(1, clock, slots=2)
        advance_to(ticker, clock, 0)
        advance_to(ticker, clock, stall_until_ms)
        found = ticker.take_health()
        ticker.close()
        return seen, found

    seen, found = run(play())
    assert [(scheduled, at) for _, scheduled, at in seen] == ran
    assert (found.frames_due, found.frames_late) == health
    assert found.late_share == pytest.approx(health[1] / health[0])


def test_the_pacing_error_is_the_99th_percentile_and_starts_anew_each_time() -> None:
    async def play() -> tuple[TickHealth, TickHealth]:
        clock = Clock()
        ticker, _ = await ticker_with(1, clock, slots=1)
        ticker.advance(START)
        ticker.take_health()
        for frame in range(1, 101):
            late_ms = {30: 7.05, 60: 7.05, 90: 12.05}.get(frame, 0.25)
            advance_to(ticker, clock, frame * 20 + late_ms)
        first = ticker.take_health()
        second = ticker.take_health()
        ticker.close()
        return first, second

    first, second = run(play())
    assert first.frames_due == 100
    assert first.pacing_error_p99_s == pytest.approx(0.0071)
    assert first.pacing_error_p999_s == pytest.approx(0.0121)
    assert (first.frames_over_5_ms, first.frames_over_10_ms) == (3, 1)
    assert second == TickHealth(0, 0, 0.0, 0.0)


def test_whoever_hears_a_message_lets_the_slots_go_first_that_are_due() -> None:
    async def play() -> list[tuple[int, int, int]]:
        clock = Clock()
        ticker, ran = await ticker_with(10, clock)
        ticker.keep_up(clock.now)  # nothing has begun yet
        assert ran == []
        await asyncio.sleep(0)  # its own task runs the first slot, and sleeps
        for ms in (1, 3, 3, 4):  # slots are due at 2 and at 4
            clock.now = START + ms * MS
            ticker.keep_up(clock.now)
        ticker.close()
        await asyncio.sleep(0)
        ticker.keep_up(START + 1000 * MS)  # and nothing goes on
        return ran

    assert run(play()) == [(0, 0, 0), (1, 2, 3), (2, 4, 4)]


def test_skipped_frames_count_in_the_pacing_error() -> None:
    async def play() -> TickHealth:
        clock = Clock()
        ticker, _ = await ticker_with(1, clock, slots=1)
        advance_to(ticker, clock, 0)
        advance_to(ticker, clock, 70)
        health = ticker.take_health()
        ticker.close()
        return health

    assert run(play()).pacing_error_p99_s > 0.04


def test_lateness_within_a_slot_counts_for_whom_it_strikes() -> None:
    """Each of three callbacks of one slot takes 11 ms: the third would run 22 ms late."""

    async def play() -> tuple[list[str], TickHealth]:
        clock, ran = Clock(), list[str]()
        ticker = FrameTicker(1, clock)

        def slow(who: str, *_: int) -> None:
            ran.append(who)
            clock.now += 11 * MS

        for who in "abc":
            ticker.add(partial(slow, who))
        ticker.advance(START)
        health = ticker.take_health()
        ticker.close()
        return ran, health

    ran, health = run(play())
    assert ran == ["a", "b"]
    assert (health.frames_due, health.frames_late) == (3, 1)
    assert health.pacing_error_p99_s == pytest.approx(0.0221)


def test_a_callback_may_remove_itself_and_others() -> None:
    async def play() -> list[str]:
        clock = Clock()
        ticker = FrameTicker(1, clock)
        ran: list[str] = []

        def first(scheduled: int, now: int) -> None:
            ran.append("first")
            ticker.remove(own)
            ticker.remove(other)

        own = ticker.add(first)
        other = ticker.add(lambda s, n: ran.append("other"))
        ticker.add(lambda s, n: ran.append("third"))
        for ms in range(41):
            advance_to(ticker, clock, ms)
        assert len(ticker) == 1
        ticker.remove(own)
        ticker.close()
        return ran

    assert run(play()) == ["first", "third", "third", "third"]


def test_a_callback_that_raises_is_reported_and_hurts_nobody_else() -> None:
    reported: list[dict[str, object]] = []

    async def play() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _, c: reported.append(c))
        clock = Clock()
        ticker, ran = await ticker_with(1, clock, slots=1)

        def fail(scheduled: int, now: int) -> None:
            raise ValueError("a bug")

        ticker.add(fail)
        for ms in range(41):
            advance_to(ticker, clock, ms)
        ticker.close()
        return len(ran)

    assert run(play()) == 3
    assert [type(c["exception"]) for c in reported] == [ValueError]


def test_the_task_runs_by_itself_stops_when_idle_and_comes_back() -> None:
    async def play() -> None:
        ticker = FrameTicker()
        for _ in range(2):
            times: list[tuple[int, int]] = []
            enough = asyncio.Event()

            def note(
                scheduled: int,
                now: int,
                times: list[tuple[int, int]] = times,
                enough: asyncio.Event = enough,
            ) -> None:
                times.append((scheduled, now))
                if len(times) == 4:
                    enough.set()

            ticket = ticker.add(note)
            await enough.wait()
            ticker.remove(ticket)
            steps = {(b[0] - a[0]) % FRAME_NS for a, b in itertools.pairwise(times)}
            assert steps == {0}  # whatever the machine does, the schedule is a grid of frames
            assert all(now >= scheduled for scheduled, now in times)
            assert ticker._task is not None
            await ticker._task  # ends, since nobody is left

    run(play())


def test_a_frame_has_ten_slots_unless_told_otherwise() -> None:
    """Fewer would let calls leave in bursts; workers and agents take what is the default."""

    async def play() -> set[int]:
        clock, at_ms = Clock(), set[int]()
        ticker = FrameTicker(clock=clock)
        for _ in range(30):
            ticker.add(lambda scheduled, now: at_ms.add((scheduled - START) // MS))
        for ms in range(20):
            advance_to(ticker, clock, ms)
        ticker.close()
        return at_ms

    assert len(run(play())) >= 10


def test_slots_must_divide_the_frame() -> None:
    with pytest.raises(ValueError, match="7 slots"):
        FrameTicker(7)
