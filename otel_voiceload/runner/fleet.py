"""The processes that make the load: workers that hold calls, and telemetry that makes the spans.

A pipe per worker carries control, another its finished records to the telemetry process, so that
the pacing loops never encode or send anything. The runner has such a records pipe of its own, for
what only it knows: the run and its stages.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from otel_voiceload.errors import OvlError
from otel_voiceload.load import worker
from otel_voiceload.load.contract import ShardContract, contracts
from otel_voiceload.load.messages import Begin, Finished, FromWorker, Ready, ToWorker
from otel_voiceload.load.plan import WorkerConfig
from otel_voiceload.model import NS_PER_S, ClockAnchor, Progress, Record, ShardLoss, Stage
from otel_voiceload.runner.collector import CollectorHandle
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import Prepared
from otel_voiceload.store.spooled import SPOOL
from otel_voiceload.telemetry import process as telemetry_process
from otel_voiceload.telemetry.environ import copy_from_environ, resource_attributes
from otel_voiceload.telemetry.exporter import Totals
from otel_voiceload.telemetry.process import (
    Dropped,
    Message,
    TelemetryConfig,
    WorkerLost,
)
from otel_voiceload.telemetry.spool import SpoolPlace

READY_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Shard:
    """A worker process, and what is known of its end."""

    index: int
    process: BaseProcess
    control: Connection
    finished: Finished | None = None
    lost: bool = False
    spans_ended: int = 0  # by its last word
    busiest_second: int = 0  # the most spans between two words
    heard_mono_ns: int = 0  # when its last word came

    def hear(self, progress: Progress) -> None:
        self.busiest_second = max(self.busiest_second, progress.spans_ended - self.spans_ended)
        self.spans_ended = progress.spans_ended


class Fleet:
    """Running workers and telemetry; ``close`` ends them and gives the ledger."""

    def __init__(
        self,
        shards: list[Shard],
        telemetry: BaseProcess,
        telemetry_control: Connection,
        records: Connection,
        contract: Callable[[int, Iterable[Stage], int], tuple[ShardContract, ...]],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """``contract`` makes those of all shards from their count, stages and start (UTC)."""
        self._shards = shards
        self._contract = contract
        self._clock = clock
        self._lost_after_s: float | None = None  # nobody is lost before the load begins
        self._losses: list[ShardLoss] = []
        self._telemetry = telemetry
        self._telemetry_control = telemetry_control
        self._records = records

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Raises OvlError when a worker does not come up."""
        waiting = {shard.index for shard in self._shards}
        deadline = time.monotonic() + timeout_s
        while waiting:
            if time.monotonic() > deadline:
                raise OvlError(
                    f"worker {min(waiting)} did not start within {timeout_s:.0f} s; "
                    "use fewer --processes"
                )
            for message in self.poll(0.1):
                if isinstance(message, Ready):
                    waiting.discard(message.shard_index)
            if lost := self.lost:
                raise OvlError(f"worker {lost[0]} ended while starting; run with --processes 1 -v")

    @property
    def size(self) -> int:
        return len(self._shards)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name: the workers and telemetry."""
        processes = [shard.process for shard in self._shards]
        return {each.name: each.pid for each in (*processes, self._telemetry) if each.pid}

    @property
    def lost(self) -> list[int]:
        """Shards whose process is gone without a last word."""
        return [shard.index for shard in self._shards if shard.lost]

    @property
    def losses(self) -> tuple[ShardLoss, ...]:
        """The same with their last sign of life, in the order in which they were found."""
        return tuple(self._losses)

    def begin(self, stages: tuple[Stage, ...], start_mono_ns: int) -> None:
        """Every shard gets its contract; from here on silence means that it is lost."""
        start_unix_ns = time.time_ns() + start_mono_ns - time.monotonic_ns()
        now_ns = self._clock()
        for shard, contract in zip(
            self._shards, self._contract(self.size, stages, start_unix_ns), strict=True
        ):
            shard.heard_mono_ns = now_ns
            self._lost_after_s = contract.lost_after_s
            with suppress(OSError):
                shard.control.send(Begin(stages, contract))

    def drop_silent(self) -> None:
        """A shard that missed its heartbeats is lost, and killed: one that was only frozen would
        go on with calls that nobody counts."""
        if self._lost_after_s is None:
            return
        silent_since_ns = self._clock() - round(self._lost_after_s * NS_PER_S)
        for shard in self._shards:
            gone = shard.finished is not None or shard.lost
            if not gone and shard.heard_mono_ns < silent_since_ns:
                self._kill(shard.process)
                self._lose(shard)

    @property
    def telemetry_alive(self) -> bool:
        return self._telemetry.is_alive()

    @property
    def done(self) -> bool:
        return all(shard.finished is not None or shard.lost for shard in self._shards)

    @property
    def finished(self) -> list[Finished]:
        return [shard.finished for shard in self._shards if shard.finished is not None]

    def tell(self, message: ToWorker) -> None:
        for shard in self._shards:
            if shard.finished is None and not shard.lost:
                # One that is gone may have left its last word, which is still to be read.
                with suppress(OSError):
                    shard.control.send(message)

    def record(self, record: Record) -> None:
        """Hand a record of the runner's own to telemetry; lost when that died."""
        self._tell_telemetry([record])

    def poll(self, timeout_s: float) -> list[Ready | Progress | Finished]:
        """What the workers said, waiting at most ``timeout_s`` for the first word."""
        open_ends = {s.control: s for s in self._shards if s.finished is None and not s.lost}
        if not open_ends:
            return []
        said: list[FromWorker] = []
        for end in wait(list(open_ends), timeout_s):
            assert isinstance(end, Connection)
            shard = open_ends[end]
            try:
                while end.poll():
                    message: FromWorker = end.recv()
                    shard.heard_mono_ns = self._clock()
                    if isinstance(message, Finished):
                        shard.finished = message
                    elif isinstance(message, Progress):
                        shard.hear(message)
                    said.append(message)
                    if shard.finished is not None:
                        break
            except (EOFError, OSError):
                if shard.finished is None:
                    self._lose(shard)
        return said

    def cut_off(self) -> None:
        """Kill the workers that did not come to their end by now."""
        self.poll(0.0)
        for shard in self._shards:
            if shard.finished is None:
                self._kill(shard.process)
                self._lose(shard)

    def close(self, last: Record | None, timeout_s: float) -> Totals | None:
        """End telemetry after the workers' last records and ``last``; None when it died."""
        self.cut_off()
        for finished in self.finished:
            for reason, spans in finished.spans_lost.items():
                self._tell_telemetry(Dropped(reason, spans))
        if last is not None:
            self.record(last)
        self._records.close()
        totals: Totals | None = None
        with suppress(EOFError, OSError):
            if self._telemetry_control.poll(timeout_s):
                totals = self._telemetry_control.recv()
        for process in (self._telemetry, *(shard.process for shard in self._shards)):
            process.join(1.0)
            self._kill(process)
        for shard in self._shards:
            shard.control.close()
        self._telemetry_control.close()
        return totals

    def _lose(self, shard: Shard) -> None:
        """Its records that were not sent died with it; its last count says how many there were.

        A loop that runs tells every second, and one that does not run ends no spans: so after its
        last word it ended no more than about a second's worth.
        """
        if not shard.lost:
            shard.lost = True
            self._losses.append(ShardLoss(shard.index, shard.heard_mono_ns))
            word = WorkerLost(shard.index, shard.spans_ended, shard.busiest_second)
            self._tell_telemetry(word)

    def _tell_telemetry(self, message: Message) -> None:
        with suppress(OSError):
            self._records.send(message)

    @staticmethod
    def _kill(process: BaseProcess) -> None:
        if process.is_alive():
            process.kill()
            process.join()


def start(plan: RunPlan, prepared: Prepared, collector: CollectorHandle) -> Fleet:
    """The processes that a plan asks for, their spans on the way to ``collector``."""
    count = plan.worker_count(prepared.profile.peak_calls)
    endpoint = collector.endpoint
    telemetry = TelemetryConfig(
        run_id=prepared.run_id,
        anchor=ClockAnchor(time.monotonic_ns(), time.time_ns()),
        endpoint=endpoint,
        source_shards=(*range(count), None),
        copy=copy_from_environ(os.environ, (*endpoint.urls.values(), collector.http)),
        resource_attributes=resource_attributes(os.environ),
        spool=SpoolPlace(plan.store / SPOOL / prepared.run_id, plan.spool_bytes),
        destination=collector.destination,
    )
    return launch(shards(prepared.worker, count), telemetry, collector.http)


def launch(workers: tuple[WorkerConfig, ...], telemetry: TelemetryConfig, collector: str) -> Fleet:
    # "spawn": a forked child would inherit event loops and pipe ends that are not its own.
    context = multiprocessing.get_context("spawn")
    started: list[Shard] = []
    sources: list[Connection] = []
    with keyboard_held_back():
        for config in workers:
            ours, theirs = context.Pipe()
            read_end, write_end = context.Pipe(duplex=False)
            process = context.Process(
                target=worker.main,
                args=(config, theirs, write_end),
                name=f"worker-{config.shard_index}",
                daemon=True,
            )
            process.start()
            theirs.close()
            write_end.close()
            started.append(Shard(config.shard_index, process, ours))
            sources.append(read_end)
        read_end, records = context.Pipe(duplex=False)
        sources.append(read_end)
        telemetry_control, theirs = context.Pipe()
        teller = context.Process(
            target=telemetry_process.run,
            args=(telemetry, sources, theirs),
            name="telemetry",
            daemon=True,
        )
        teller.start()
    theirs.close()
    for source in sources:
        source.close()

    def contract(
        count: int, stages: Iterable[Stage], start_unix_ns: int
    ) -> tuple[ShardContract, ...]:
        return contracts(telemetry.run_id, count, stages, start_unix_ns, collector)

    return Fleet(started, teller, telemetry_control, records, contract)


def shards(config: WorkerConfig, count: int) -> tuple[WorkerConfig, ...]:
    """The same worker ``count`` times, each with its own share of the calls."""
    return tuple(replace(config, shard_index=index, shard_count=count) for index in range(count))


@contextmanager
def keyboard_held_back() -> Iterator[None]:
    """Children started in here do not hear Ctrl-C: the runner alone decides how a run ends.

    Blocked and not ignored: starting them may take seconds, and an ignored Ctrl-C is lost for the
    runner too, which then goes on for as long as was planned.
    """
    # Else started by the first child, and on its way it would end the blocking.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
