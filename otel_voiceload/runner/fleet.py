"""The processes that make the load: workers that hold calls, and telemetry that makes the spans.

A pipe per worker carries control, another its finished records to the telemetry process, so that
the pacing loops never encode or send anything. The runner has such a records pipe of its own, for
what only it knows: the run and its stages.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from otel_voiceload.errors import OvlError
from otel_voiceload.load import worker
from otel_voiceload.load.messages import Finished, FromWorker, Ready, ToWorker
from otel_voiceload.load.plan import WorkerConfig
from otel_voiceload.model import Progress, Record
from otel_voiceload.telemetry import process as telemetry_process
from otel_voiceload.telemetry.exporter import Totals
from otel_voiceload.telemetry.process import TelemetryConfig

READY_TIMEOUT_S = 30.0


@dataclass(slots=True)
class _Shard:
    index: int
    process: BaseProcess
    control: Connection
    finished: Finished | None = None
    lost: bool = False


class Fleet:
    """Started workers and telemetry; ``close`` ends them and gives the ledger."""

    def __init__(self, workers: tuple[WorkerConfig, ...], telemetry: TelemetryConfig) -> None:
        # "spawn": a forked child would inherit event loops and pipe ends that are not its own.
        context = multiprocessing.get_context("spawn")
        self._shards: list[_Shard] = []
        sources: list[Connection] = []
        with _keyboard_ignored():
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
                self._shards.append(_Shard(config.shard_index, process, ours))
                sources.append(read_end)
            read_end, self._records = context.Pipe(duplex=False)
            sources.append(read_end)
            self._telemetry_control, theirs = context.Pipe()
            self._telemetry = context.Process(
                target=telemetry_process.run,
                args=(telemetry, sources, theirs),
                name="telemetry",
                daemon=True,
            )
            self._telemetry.start()
        theirs.close()
        for source in sources:
            source.close()

    def wait_ready(self) -> None:
        """Raises OvlError when a worker does not come up."""
        waiting = {shard.index for shard in self._shards}
        deadline = time.monotonic() + READY_TIMEOUT_S
        while waiting:
            if time.monotonic() > deadline:
                raise OvlError(
                    f"worker {min(waiting)} did not start within {READY_TIMEOUT_S:.0f} s"
                )
            for message in self.poll(0.1):
                if isinstance(message, Ready):
                    waiting.discard(message.shard_index)
            if lost := self.lost:
                raise OvlError(f"worker {lost[0]} ended while starting; run with --processes 1 -v")

    @property
    def lost(self) -> list[int]:
        """Shards whose process is gone without a last word."""
        return [shard.index for shard in self._shards if shard.lost]

    @property
    def done(self) -> bool:
        return all(shard.finished is not None or shard.lost for shard in self._shards)

    @property
    def finished(self) -> list[Finished]:
        return [shard.finished for shard in self._shards if shard.finished is not None]

    def tell(self, message: ToWorker) -> None:
        for shard in self._shards:
            if shard.finished is None and not shard.lost:
                try:
                    shard.control.send(message)
                except OSError:
                    shard.lost = True

    def record(self, record: Record) -> None:
        """Hand a record of the runner's own to telemetry."""
        self._records.send([record])

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
                    if isinstance(message, Finished):
                        shard.finished = message
                    said.append(message)
                    if shard.finished is not None:
                        break
            except (EOFError, OSError):
                shard.lost = shard.finished is None
        return said

    def close(self, last: Record | None, timeout_s: float) -> Totals | None:
        """End telemetry after the workers' last records and ``last``; None when it died."""
        if last is not None:
            self.record(last)
        self._records.close()
        totals: Totals | None = None
        try:
            if self._telemetry_control.poll(timeout_s):
                totals = self._telemetry_control.recv()
        except (EOFError, OSError):
            totals = None
        self._telemetry.join(1.0)
        self._kill(self._telemetry)
        for shard in self._shards:
            shard.process.join(1.0)
            self._kill(shard.process)
            shard.control.close()
        self._telemetry_control.close()
        return totals

    @staticmethod
    def _kill(process: BaseProcess) -> None:
        if process.is_alive():
            process.kill()
            process.join()


def shards(config: WorkerConfig, count: int) -> tuple[WorkerConfig, ...]:
    """The same worker ``count`` times, each with its own share of the calls."""
    return tuple(replace(config, shard_index=index, shard_count=count) for index in range(count))


@contextmanager
def _keyboard_ignored() -> Iterator[None]:
    """Children started in here ignore Ctrl-C: the runner alone decides how a run ends."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
