"""The desk tells each call its own news, on time, with one alarm for all."""

import asyncio
import time

from otel_voiceload.agent.desk import Desk, LoopAlarm
from otel_voiceload.capacity.config import parse_agent_config
from otel_voiceload.capacity.pipeline import AttemptOver, AudioReady, Pipeline, TurnKey
from tests.agent.world import FLAT, FakeAlarm

MS = 1_000_000


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def worked(self, event: object) -> None:
        self.heard.append(event)


class Clock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def office() -> tuple[Desk, FakeAlarm, Clock]:
    clock, alarm = Clock(), FakeAlarm()
    config = parse_agent_config({"components": FLAT}, "test")
    return Desk(Pipeline(config), alarm, clock), alarm, clock


def ring_until_quiet(alarm: FakeAlarm, clock: Clock) -> None:
    while alarm.at_ns is not None:
        clock.now_ns = max(clock.now_ns, alarm.at_ns)
        alarm.at_ns = None
        alarm.run()


def test_each_call_hears_of_its_own_work_only() -> None:
    desk, alarm, clock = office()
    listeners = {name: Listener() for name in ("a", "b")}
    for name, listener in listeners.items():
        assert desk.enter(name, listener) == name
        desk.begin(0, TurnKey(name, 0))
    ring_until_quiet(alarm, clock)
    for name, listener in listeners.items():
        assert {event.key.call_id for event in listener.heard} == {name}
        assert AudioReady(TurnKey(name, 0), 360 * MS) in listener.heard


def test_nothing_is_told_before_the_alarm_rings() -> None:
    desk, alarm, clock = office()
    listener = Listener()
    desk.enter("a", listener)
    desk.begin(0, TurnKey("a", 0))
    desk.cancel(10, TurnKey("a", 0))
    assert listener.heard == []
    assert alarm.at_ns == 0
    ring_until_quiet(alarm, clock)
    assert len(listener.heard) == 1


def test_a_call_that_left_still_hears_of_what_it_gave_up_and_then_no_more() -> None:
    desk, alarm, clock = office()
    listener = Listener()
    desk.enter("a", listener)
    desk.begin(0, TurnKey("a", 0))
    clock.now_ns = 20 * MS
    desk.cancel(20 * MS, TurnKey("a", 0))
    desk.leave("a")
    ring_until_quiet(alarm, clock)
    assert [(e.status, e.end_ns) for e in listener.heard if isinstance(e, AttemptOver)] == [
        ("cancelled", 20 * MS)
    ]
    assert desk.enter("a", Listener()) == "a"


def test_two_living_calls_of_one_id_are_kept_apart() -> None:
    desk, alarm, clock = office()
    listeners = [Listener(), Listener()]
    names = [desk.enter("same", listener) for listener in listeners]
    assert names == ["same", "same#2"]
    desk.begin(0, TurnKey(names[1], 0))
    ring_until_quiet(alarm, clock)
    assert listeners[0].heard == []
    assert listeners[1].heard != []


def test_a_call_may_start_work_while_it_is_told_news() -> None:
    desk, alarm, clock = office()

    class Eager(Listener):
        def worked(self, event: object) -> None:
            super().worked(event)
            if isinstance(event, AudioReady) and event.key.turn == 0:
                desk.begin(event.at_ns, TurnKey("a", 1))

    eager = Eager()
    desk.enter("a", eager)
    desk.begin(0, TurnKey("a", 0))
    ring_until_quiet(alarm, clock)
    assert AudioReady(TurnKey("a", 1), 720 * MS) in eager.heard


def test_the_loops_alarm_rings_after_its_time_and_only_as_set_last() -> None:
    rung: list[tuple[str, int]] = []

    async def play() -> int:
        alarm, done = LoopAlarm(), asyncio.Event()

        def last() -> None:
            rung.append(("last", time.monotonic_ns()))
            alarm.set(0, overdue)

        def overdue() -> None:
            rung.append(("overdue", 0))
            done.set()

        at_ns = time.monotonic_ns() + 3 * MS
        alarm.set(at_ns + 10**9, lambda: rung.append(("moved", 0)))
        alarm.set(at_ns, last)
        await done.wait()
        return at_ns

    at_ns = asyncio.run(play())
    assert [name for name, _ in rung] == ["last", "overdue"]
    assert rung[0][1] >= at_ns
