"""The processes of a run: their pipes with nobody behind them, and once the real ones."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

import pytest

from otel_voiceload.errors import OvlError
from otel_voiceload.load.contract import ShardContract, contracts
from otel_voiceload.load.messages import Begin, Finish, Finished, HangUpAll, Ready
from otel_voiceload.model import (
    NS_PER_S,
    Health,
    Progress,
    RunRecord,
    ShardLoss,
    Stage,
    StageRecord,
)
from otel_voiceload.profiles import Request
from otel_voiceload.runner import fleet as fleets
from otel_voiceload.runner.collector import CollectorHandle
from otel_voiceload.runner.fleet import Fleet, Shard, shards
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import prepare
from otel_voiceload.telemetry.exporter import Totals
from otel_voiceload.telemetry.process import Dropped, WorkerLost

PLAN = RunPlan("ws://127.0.0.1:9", "custom", Request(calls=2, duration_s=60), Path("store"))
STAGE = StageRecord(Stage(0, "steady", 0.0, 1.0, 2.0, 2.0), 0)
LAST = RunRecord("run", "t", "plain", "custom", 1, "", "", "", True, {}, 0, 9, "user")


class FakeProcess:
    """Runs until it is killed, or until it is joined when it ``leaves``."""

    def __init__(self, *, leaves: bool = False) -> None:
        self.leaves = leaves
        self.running = True
        self.killed = False

    def is_alive(self) -> bool:
        return self.running

    def join(self, timeout: float | None = None) -> None:
        if self.leaves:
            self.running = False

    def kill(self) -> None:
        self.killed = True
        self.running = False


class World:
    """A fleet, and the other ends of all its pipes."""

    def __init__(self, count: int = 2) -> None:
        self.workers: list[Connection] = []
        self.processes = [FakeProcess(leaves=True) for _ in range(count)]
        started: list[Shard] = []
        for index, process in enumerate(self.processes):
            ours, theirs = Pipe()
            self.workers.append(theirs)
            started.append(Shard(index, cast(BaseProcess, process), ours))
        self.records, records = Pipe(duplex=False)
        ours, self.telemetry = Pipe()
        self.teller = FakeProcess(leaves=True)
        self.now_ns = 0

        def contract(
            count: int, stages: Iterable[Stage], start_unix_ns: int
        ) -> tuple[ShardContract, ...]:
            return contracts("run", count, stages, start_unix_ns, "http://127.0.0.1:4318")

        self.fleet = Fleet(
            started,
            cast(BaseProcess, self.teller),
            ours,
            records,
            contract,
            lambda: self.now_ns,
        )

    def pass_s(self, seconds: float) -> None:
        self.now_ns += round(seconds * NS_PER_S)
        self.fleet.poll(0.0)
        self.fleet.drop_silent()

    def told(self, index: int) -> list[object]:
        found = []
        while self.workers[index].poll():
            found.append(self.workers[index].recv())
        return found

    def recorded(self) -> list[object]:
        found = []
        try:
            while True:
                found.append(self.records.recv())
        except EOFError:
            return found


def progress(shard: int) -> Progress:
    return Progress(Health(shard, 1, 2, 50, 0, 0.0, 0.001, 0.001, 0.0, 0.1, 0, 0), 1)


def test_workers_are_waited_for_until_all_are_ready() -> None:
    world = World()
    world.workers[0].send(Ready(0, 11))
    world.workers[1].send(Ready(1, 12))

    world.fleet.wait_ready()

    with pytest.raises(OvlError, match="worker 0 did not start within 0 s"):
        World().fleet.wait_ready(timeout_s=0.0)


def test_a_worker_that_ends_while_starting_is_named() -> None:
    world = World()
    world.workers[0].send(Ready(0, 11))
    world.workers[1].close()

    with pytest.raises(OvlError, match="worker 1 ended while starting"):
        world.fleet.wait_ready()


def test_all_hear_what_is_told_and_all_that_they_say_is_heard() -> None:
    world = World()
    world.workers[0].send(progress(0))
    world.workers[0].send(progress(0))
    world.workers[1].send(progress(1))

    world.fleet.tell(Finish(3.0))
    said = world.fleet.poll(1.0)

    assert [world.told(0), world.told(1)] == [[Finish(3.0)], [Finish(3.0)]]
    assert sorted(word.health.shard_index for word in said if isinstance(word, Progress)) == [
        *(0, 0, 1)
    ]
    assert not world.fleet.done


def test_a_worker_that_said_goodbye_is_not_lost_when_its_pipe_ends() -> None:
    world = World()
    world.workers[0].send(Finished(0, 5))
    world.workers[0].close()

    world.fleet.tell(HangUpAll(1))  # nobody reads this; the last word is still there
    world.fleet.poll(1.0)

    assert world.fleet.lost == []
    assert world.fleet.finished == [Finished(0, 5)]
    assert world.told(1) == [HangUpAll(1)]


def test_a_worker_that_is_gone_without_a_word_is_lost_and_the_others_go_on() -> None:
    world = World()
    world.workers[1].send(progress(1))
    world.workers[1].close()

    world.now_ns = 5
    assert world.fleet.poll(1.0) == [progress(1)]
    assert world.fleet.lost == [1]
    assert world.fleet.losses == (ShardLoss(1, 5),)
    assert not world.fleet.done

    world.fleet.tell(Finish())
    world.workers[0].send(Finished(0, 5))
    world.fleet.poll(1.0)

    assert world.told(0) == [Finish()]
    assert world.fleet.done
    assert world.fleet.poll(1.0) == []


def test_telemetry_hears_how_many_spans_a_lost_worker_had_ended() -> None:
    world = World()
    for ended in (10, 70, 100):
        world.workers[1].send(replace(progress(1), spans_ended=ended))
    world.fleet.poll(1.0)
    world.workers[1].close()
    world.fleet.poll(1.0)
    world.workers[0].send(replace(progress(0), spans_ended=40))
    world.fleet.close(None, 0.0)  # which cuts the other one off

    assert world.recorded() == [WorkerLost(1, 100, 60), WorkerLost(0, 40, 40)]


def test_every_shard_gets_its_own_contract_at_the_beginning() -> None:
    world = World(3)

    world.fleet.begin((STAGE.stage,), time.monotonic_ns())

    told = [word for index in range(3) for word in world.told(index)]
    assert [word.contract.shard_index for word in told if isinstance(word, Begin)] == [0, 1, 2]
    assert {word.stages for word in told if isinstance(word, Begin)} == {(STAGE.stage,)}
    start_ns = {word.contract.start_unix_ns for word in told if isinstance(word, Begin)}
    assert abs(start_ns.pop() - time.time_ns()) < NS_PER_S


def test_a_worker_that_misses_its_heartbeats_is_found_within_five_seconds_and_killed() -> None:
    world = World()
    world.fleet.begin((STAGE.stage,), 0)
    for _ in range(3):
        world.workers[0].send(progress(0))
        world.pass_s(1.0)
        assert world.fleet.lost == []
    for _ in range(2):
        world.workers[0].send(progress(0))
        world.pass_s(1.0)

    assert world.fleet.lost == [1]
    assert world.fleet.losses == (ShardLoss(1, 0),), "at its last sign of life"
    assert [process.killed for process in world.processes] == [False, True]
    world.fleet.tell(Finish())
    assert world.told(1)[1:] == [], "its load is nobody else's, and nobody tells it anything"


def test_nobody_is_lost_for_being_silent_before_the_load_or_after_the_last_word() -> None:
    world = World()
    world.pass_s(60.0)
    assert world.fleet.lost == []

    world.fleet.begin((STAGE.stage,), 0)
    for index in (0, 1):
        world.workers[index].send(Finished(index, 5))
    world.pass_s(60.0)
    assert world.fleet.lost == []


def test_telemetry_hears_the_runners_records_the_workers_losses_and_the_end_last() -> None:
    world = World()
    world.workers[0].send(Finished(0, 5, spans_lost={"pipe_full": 3}))
    world.workers[1].send(Finished(1, 5))
    world.telemetry.send(Totals(10, 7, {"pipe_full": 3}))

    world.fleet.record(STAGE)
    totals = world.fleet.close(LAST, 1.0)

    assert totals == Totals(10, 7, {"pipe_full": 3})
    assert world.recorded() == [[STAGE], Dropped("pipe_full", 3), [LAST]]
    assert not any(process.killed for process in (*world.processes, world.teller))
    assert world.fleet.lost == []


def test_workers_that_are_still_calling_are_cut_off_so_that_telemetry_can_end() -> None:
    world = World()
    world.workers[0].send(Finished(0, 5))
    world.telemetry.send(Totals(1, 1))

    world.fleet.close(LAST, 1.0)

    assert [process.killed for process in world.processes] == [False, True]
    assert world.fleet.lost == [1]


def test_without_telemetry_records_go_nowhere_and_there_are_no_totals() -> None:
    world = World()
    world.records.close()
    world.telemetry.close()
    world.teller.running = False

    world.fleet.record(STAGE)

    assert not world.fleet.telemetry_alive
    assert world.fleet.close(LAST, 1.0) is None


def test_telemetry_that_does_not_end_is_killed() -> None:
    world = World(0)
    world.teller.leaves = False

    assert world.fleet.close(None, 0.0) is None
    assert world.teller.killed
    assert world.recorded() == []


def test_an_interrupt_while_processes_are_started_is_heard_once_they_are() -> None:
    heard: list[str] = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append("interrupted"))
    try:
        with fleets.keyboard_held_back():
            signal.raise_signal(signal.SIGINT)
            heard.append("started")
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == ["started", "interrupted"]


def test_each_shard_has_its_own_share_of_the_calls() -> None:
    config = prepare(PLAN).worker

    assert [(c.shard_index, c.shard_count) for c in shards(config, 3)] == [(0, 3), (1, 3), (2, 3)]
    assert {c.run_id for c in shards(config, 3)} == {config.run_id}


@contextmanager
def taking() -> Iterator[tuple[str, list[bytes]]]:
    """A collector that takes everything."""
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", bodies
        finally:
            server.shutdown()
            thread.join()


def test_real_processes_start_end_and_leave_a_closed_ledger() -> None:
    plan = replace(PLAN, processes=2)
    prepared = prepare(plan)
    with taking() as (url, bodies):
        fleet = fleets.start(plan, prepared, CollectorHandle(url, "", None, None))
        fleet.wait_ready()
        fleet.record(STAGE)
        fleet.tell(Finish())
        deadline_s = time.monotonic() + 60
        while not fleet.done and time.monotonic() < deadline_s:
            fleet.poll(0.1)
        finished = sorted(word.shard_index for word in fleet.finished)
        totals = fleet.close(replace(LAST, run_id=prepared.run_id), 60.0)

    assert (finished, fleet.lost) == ([0, 1], [])
    assert totals == Totals(2, 2)  # the stage's marker and the run
    assert any(prepared.run_id.encode() in body for body in bodies)
