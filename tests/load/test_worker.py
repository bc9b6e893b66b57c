"""One real worker process, against an agent in this one."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.load import worker
from otel_voiceload.load.contract import contracts
from otel_voiceload.load.messages import Begin, Finish, Finished, Ready
from otel_voiceload.load.plan import WorkerConfig
from otel_voiceload.model import (
    CallRecord,
    CallStartRecord,
    Health,
    Progress,
    Record,
    Stage,
    TurnRecord,
)
from otel_voiceload.transports import plain
from otel_voiceload.transports.wire import ServeOptions

from .echo import SCENARIO, EchoAgent

HOLD_TWO = (Stage(0, "ramp", 0.0, 60.0, 2.0, 2.0),)
# Callers who think before they speak again: a call of theirs never ends by itself in a test.
THOUGHTFUL = SCENARIO.model_copy(update={"think": Lognormal(60.0, 90.0)})


class Played:
    def __init__(self) -> None:
        self.words: list[object] = []
        self.records: list[Record] = []

    @property
    def calls(self) -> list[CallRecord]:
        return [record for record in self.records if isinstance(record, CallRecord)]

    @property
    def progress(self) -> list[Progress]:
        return [word for word in self.words if isinstance(word, Progress)]


class Talk:
    """The runner's end of the control pipe."""

    def __init__(self, control: Connection, words: list[object]) -> None:
        self.control = control
        self._words = words

    def hear(self) -> object:
        assert self.control.poll(60.0), "the worker said nothing"
        self._words.append(self.control.recv())
        return self._words[-1]

    def hear_until(self, enough: Callable[[Progress], bool]) -> None:
        for _ in range(60):  # a word a second: a load that never comes must not wait for ever
            if isinstance(word := self.hear(), Progress) and enough(word):
                return
        raise AssertionError(f"it never came to that: {self._words[-1]}")

    def hear_out(self) -> None:
        while not isinstance(self.hear(), Finished):
            pass


Entry = Callable[[WorkerConfig, Connection, Connection], None]


def play(
    conduct: Callable[[Talk], None],
    deadline_s: float = 120.0,
    entry: Entry = worker.main,
    scenario: Scenario = SCENARIO,
) -> Played:
    """Start a worker that holds two calls; ``conduct`` says how the run goes on from there."""
    return asyncio.run(_play(conduct, deadline_s, entry, scenario))


async def _play(
    conduct: Callable[[Talk], None], deadline_s: float, entry: Entry, scenario: Scenario
) -> Played:
    server = await plain.serve(ServeOptions(), EchoAgent())
    config = WorkerConfig(
        run_id="run",
        target=f"ws://127.0.0.1:{server.port}",
        scenarios=((scenario, 1.0),),
        seed=1,
        turn_cycle_s=0.2,
    )
    try:
        return await asyncio.to_thread(_conduct, config, conduct, deadline_s, entry)
    finally:
        await server.close()


def _conduct(
    config: WorkerConfig, conduct: Callable[[Talk], None], deadline_s: float, entry: Entry
) -> Played:
    context = multiprocessing.get_context("spawn")
    control, theirs = context.Pipe()
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=entry, args=(config, theirs, writer), daemon=True)
    process.start()
    theirs.close()
    writer.close()
    played = Played()
    talk = Talk(control, played.words)
    try:
        assert isinstance(talk.hear(), Ready)
        now_ns = time.time_ns()
        (contract,) = contracts("run", 1, HOLD_TWO, now_ns, "http://127.0.0.1:4318")
        deadline_ns = now_ns + round(deadline_s * 1e9)
        control.send(Begin(HOLD_TWO, replace(contract, deadline_unix_ns=deadline_ns)))
        conduct(talk)
        _read_all(reader, played.records)
    finally:
        process.join(30.0)
        alive = process.is_alive()
        if alive:
            process.kill()
    assert not alive, "the worker did not leave"
    return played


def _read_all(reader: Connection, records: list[Record]) -> None:
    with contextlib.suppress(EOFError):
        while True:
            records += reader.recv()


def test_a_worker_plays_its_calls_and_gives_account_of_them() -> None:
    def conduct(talk: Talk) -> None:
        talk.hear_until(lambda progress: "completed" in progress.calls_ended)
        talk.control.send(Finish(grace_s=0.0))
        talk.hear_out()

    played = play(conduct)
    outcomes = [call.outcome for call in played.calls]
    assert "completed" in outcomes
    assert set(outcomes) <= {"completed", "aborted_by_us"}
    turns = [r for r in played.records if isinstance(r, TurnRecord)]
    assert "answered" in [turn.outcome for turn in turns]
    assert {turn.load.phase for turn in turns} == {"ramp"}
    starts = [r for r in played.records if isinstance(r, CallStartRecord)]
    assert {start.call.call_index for start in starts} >= {0, 1}
    seconds = [r for r in played.records if isinstance(r, Health)]
    assert sum(second.frames_due for second in seconds) > 50

    finished = played.words[-1]
    assert isinstance(finished, Finished)
    assert sum(p.calls_started for p in played.progress) == finished.calls_started
    ended = Counter[str]()
    for progress in played.progress:
        ended.update(progress.calls_ended)
    assert ended == finished.calls_ended == Counter(outcomes)
    assert (finished.internal_errors, finished.spans_lost) == (0, {})


def test_a_worker_whose_runner_is_gone_hangs_up_and_leaves() -> None:
    def conduct(talk: Talk) -> None:
        talk.hear_until(lambda progress: progress.health.calls_active == 2)
        talk.control.close()

    played = play(conduct, scenario=THOUGHTFUL)
    assert [call.outcome for call in played.calls] == ["aborted_by_us"] * 2


def test_a_worker_that_is_cut_off_from_control_stops_itself_at_the_deadline() -> None:
    def conduct(talk: Talk) -> None:  # the pipe stands, and nobody says anything
        talk.hear_until(lambda progress: progress.health.calls_active == 2)
        talk.hear_out()

    # Far enough for two calls to be up before it, also where others work.
    played = play(conduct, deadline_s=4.5, scenario=THOUGHTFUL)
    assert [call.outcome for call in played.calls] == ["aborted_by_us"] * 2


def block_the_loop(config: WorkerConfig, control: Connection, records: Connection) -> None:
    """A worker in whose loop somebody works for 200 ms, over and over."""
    real = worker.Worker.work

    async def work(self: worker.Worker) -> None:
        loop = asyncio.get_running_loop()

        def block() -> None:
            time.sleep(0.2)
            loop.call_later(0.6, block)

        loop.call_later(0.6, block)
        await real(self)

    worker.Worker.work = work  # type: ignore[method-assign]  # in a process of its own
    worker.main(config, control, records)


def test_a_loop_that_is_blocked_is_told_as_the_generators_limit_and_the_calls_go_on() -> None:
    def conduct(talk: Talk) -> None:
        talk.hear_until(
            lambda progress: (
                progress.health.loop_lag_p99_s >= 0.1
                and progress.health.calls_active > 0
                and progress.health.frames_late > 0
            )
        )
        talk.control.send(Finish(grace_s=0.0))
        talk.hear_out()

    played = play(conduct, entry=block_the_loop)
    blocked = [r for r in played.records if isinstance(r, Health) and r.loop_lag_p99_s >= 0.1]
    assert blocked, "the loop was not blocked"
    assert all("loop_lag" in second.limited_by for second in blocked)
    assert sum(second.frames_late for second in blocked) > 0
    assert {"loop_lag", "late_frames"} <= {why for second in blocked for why in second.limited_by}
    assert "internal" not in {call.error_type for call in played.calls}
