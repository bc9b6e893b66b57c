"""A run that tells: the real telemetry process, fed with records of calls at a set pace.

Each call is 20 spans, all of them unique and known, so that afterwards the store can be asked for
every one. The feeding loop is paced as calls are, one tick per frame, and notes how late it was.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from otel_voiceload.load.outbox import RecordOutbox
from otel_voiceload.model import NS_PER_S, CallStartRecord, ClockAnchor, Record
from otel_voiceload.store.open import open_store
from otel_voiceload.store.spooled import SPOOL, TO_THIS_STORE
from otel_voiceload.telemetry import process
from otel_voiceload.telemetry.context import call_identity
from otel_voiceload.telemetry.environ import CopyTarget
from otel_voiceload.telemetry.exporter import Totals
from otel_voiceload.telemetry.posting import Endpoint, collector_endpoint
from otel_voiceload.telemetry.process import TelemetryConfig
from otel_voiceload.telemetry.spool import SPOOL_BYTES, SpoolPlace
from tests.telemetry import records

RUN = records.RUN_ID
SPANS_PER_CALL = 20
TICK_S = 0.02  # a frame
WAIT_S = 90.0
_CATCH_UP_S = 120.0  # on a crowded machine telemetry, which is nice, gets a core last
_TURNS = 4
_STORED = """
select name, count(*) as copies, count(distinct (trace_id, span_id)) as spans
from otel_spans where run_id = $run_id group by name
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the views show of the run: spans by name, and rows beyond one per span.

    ``notes`` says what of the store could not be read.
    """

    spans: Counter[str]
    doubles: int
    notes: tuple[str, ...] = ()


def own_port() -> int:
    """A port that nobody gets by asking for a free one.

    While a collector is away its port is anybody's: a test server of somebody else once took it
    and acknowledged two thousand spans.
    """
    chance = random.Random(os.getpid())
    while True:
        port = chance.randrange(20_000, 30_000)  # below where the kernel looks for free ones
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def stored(store: Path) -> Stored:
    with open_store(store) as reading:
        rows = reading.sql(_STORED, run_id=RUN).dicts()
        notes = tuple(note for note in reading.notes if "without a shutdown" not in note)
    spans = Counter({str(row["name"]): int(str(row["spans"])) for row in rows})
    doubles = sum(int(str(row["copies"])) for row in rows) - spans.total()
    return Stored(spans, doubles, notes)


def call_of(index: int) -> list[Record]:
    """A whole call, over in the moment in which it is told; ``SPANS_PER_CALL`` spans."""
    call = call_identity(RUN, index, "booking", True)
    turns = [records.turn(call=call, turn_index=number) for number in range(_TURNS)]
    return [CallStartRecord(call, records.LOAD, 0), *turns, records.call(call=call)]


class Telling:
    """``spans_per_s`` are told from the beginning of the block to ``end``, which gives the ledger.

    ``late_s`` has, for every tick of the feeding loop, when it was due and how late it ran.
    """

    def __init__(
        self,
        url: str,
        store: Path,
        *,
        spans_per_s: int = 2000,
        spool_bytes: int = SPOOL_BYTES,
        flush_s: float = 60.0,
        copy: Endpoint | None = None,
    ) -> None:
        self.spool = store / SPOOL / RUN
        self.late_s: list[tuple[float, float]] = []
        config = TelemetryConfig(
            run_id=RUN,
            anchor=ClockAnchor(time.monotonic_ns(), time.time_ns()),
            endpoint=collector_endpoint(url),
            source_shards=(0, None),
            copy=None if copy is None else CopyTarget(copy),
            spool=SpoolPlace(self.spool, spool_bytes),
            destination=TO_THIS_STORE,
            flush_s=flush_s,
            copy_flush_s=min(flush_s, 5.0),
        )
        assert config.problems() == []
        context = multiprocessing.get_context("spawn")
        shard, self._to_shard = context.Pipe(duplex=False)
        runner, self._to_runner = context.Pipe(duplex=False)
        self._control, theirs = context.Pipe()
        self.process = context.Process(
            target=process.run, args=(config, [shard, runner], theirs), daemon=True
        )
        self.process.start()
        for end in (shard, runner, theirs):
            end.close()
        self._outbox = RecordOutbox(self._to_shard)
        self._calls_per_tick = spans_per_s * TICK_S / SPANS_PER_CALL
        self.calls = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def __enter__(self) -> Telling:
        self._to_runner.send([records.run()])
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()

    def wait_for(self, calls: int) -> None:
        """Until so many more calls are told."""
        wanted = self.calls + calls
        while self.calls < wanted and self.process.is_alive():
            self._stopping.wait(TICK_S)

    def wait_spooled(self, enough: Callable[[], bool] | None = None) -> None:
        """Until the outage has been noticed: bytes are in the spool, or what is ``enough``."""
        enough = enough or (lambda: self.spooled_bytes() > 0)
        deadline_s = time.monotonic() + WAIT_S
        while not enough():
            assert time.monotonic() < deadline_s, "nothing was spooled"
            self._stopping.wait(TICK_S)

    def spooled_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.spool.glob("*/*.otlp"))

    def end(self) -> Totals:
        """Everything is told and delivered, or named."""
        self._stopping.set()
        self._thread.join()
        lost = self._outbox.close(_CATCH_UP_S)
        assert not lost, f"the telemetry process does not keep up: {lost}"
        last = records.run(end_mono_ns=NS_PER_S * 45, stop_reason="duration")
        self._to_runner.send([last])
        self._to_runner.close()
        totals: Totals = self._control.recv()
        self.process.join()
        return totals

    def _feed(self) -> None:
        begun_s, ticks, due_calls = time.monotonic(), 0, 0.0
        while not self._stopping.is_set():
            ticks += 1
            due_s = ticks * TICK_S
            self._stopping.wait(max(0.0, begun_s + due_s - time.monotonic()))
            due_calls += self._calls_per_tick
            while self.calls < int(due_calls):
                for record in call_of(self.calls):
                    self._outbox.put(record)
                self.calls += 1
            self.late_s.append((due_s, time.monotonic() - begun_s - due_s))


def expected(calls: int) -> Counter[str]:
    """The spans of so many calls and of their run, by name."""
    each = Counter(
        {
            "call.start": 1,
            "turn": _TURNS,
            "network.uplink": _TURNS,
            "network.downlink": _TURNS,
            "llm": _TURNS,
            "call": 1,
            "network.connect": 1,
            "network.media": 1,
        }
    )
    return Counter(
        {name: count * calls for name, count in each.items()} | {"run": 1, "run.start": 1}
    )
