"""The telemetry process: records in from every pipe, spans out, and the ledger at the end.

It is a process of its own because an exporter thread would take the interpreter lock from the
pacing loop. Whoever writes to it must close its own copy of the pipe's end: the process leaves when
every source is at its end, which is also how it leaves when the runner was killed. Then no run span
is sent, and the recorded run says truthfully that it ended without a shutdown.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait

from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.model import ClockAnchor, Health, MachineUsage, Record, RunRecord, Usage
from otel_voiceload.store.spooled import LANE_COPY, LANE_STORE
from otel_voiceload.telemetry.backlog import Backlog, OpenSpool
from otel_voiceload.telemetry.batches import Batcher, resource
from otel_voiceload.telemetry.context import in_ratio, run_trace_id
from otel_voiceload.telemetry.environ import CopyTarget
from otel_voiceload.telemetry.exporter import Exporter, Totals
from otel_voiceload.telemetry.metrics import metrics_of
from otel_voiceload.telemetry.otlp import RunScope
from otel_voiceload.telemetry.posting import Endpoint, HttpPoster, Poster
from otel_voiceload.telemetry.resource_metrics import usage_metrics
from otel_voiceload.telemetry.run_spans import SpanCounts
from otel_voiceload.telemetry.spans import span_count, spans_of
from otel_voiceload.telemetry.spool import MIN_SPOOL_BYTES, Spool, SpoolPlace

_NICENESS = 5  # on a full machine the pacing comes first: spans can wait, voices can not
_LAST_SPAN_S = 3.0  # for the run span alone, after everything else was sent or put away

WORKER_LOST = "worker_lost"
WORKER_LOST_AT_MOST = "worker_lost_at_most"  # nobody can count what died uncounted: a bound


@dataclass(frozen=True, slots=True)
class Dropped:
    """Spans whose records a source had to drop before they reached the pipe."""

    reason: str
    spans: int


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker ended without a last word, so what it had not sent yet is gone.

    ``spans_ended`` is what it had ended by its own last count; ``more_at_most`` bounds what it may
    have ended between that count and its end.
    """

    shard_index: int
    spans_ended: int
    more_at_most: int


Message = list[Record] | Dropped | WorkerLost


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """``source_shards`` has one entry per source pipe: its shard's index, None for the runner."""

    run_id: str
    anchor: ClockAnchor
    endpoint: Endpoint
    source_shards: tuple[int | None, ...]
    copy: CopyTarget | None = None
    resource_attributes: Mapping[str, str] = field(default_factory=dict)
    batch_spans: int = 512
    batch_wait_s: float = 0.5
    spool: SpoolPlace | None = None  # None: an outage lasts as long as a little memory
    destination: str = ""  # what the spool's files say of where they go
    flush_s: float = 15.0  # how long the end of a run waits for the collector
    copy_flush_s: float = 5.0  # and for the user's back end

    def problems(self) -> list[str]:
        found = self.endpoint.problems()
        if not self.source_shards:
            found.append("the telemetry process has no source; give it at least the runner's pipe")
        if self.batch_spans < 1:
            found.append(f"batches of {self.batch_spans} spans can not be made; use 1 or more")
        if self.spool is not None and self.spool.max_bytes < MIN_SPOOL_BYTES:
            found.append("a spool of less than 1 MiB holds next to nothing; use 1MiB or more")
        return found


class Lane:
    """The way to one destination: which signals and traces it takes, its batches, its exporter."""

    def __init__(
        self,
        config: TelemetryConfig,
        endpoint: Endpoint,
        exporter: Exporter,
        takes_trace: Callable[[str], bool],
    ) -> None:
        shards = [shard for shard in config.source_shards if shard is not None]
        self._batcher = Batcher(
            [
                resource(config.run_id, shard, len(shards), config.resource_attributes)
                for shard in config.source_shards
            ],
            config.batch_spans,
            config.batch_wait_s,
        )
        self._signals = endpoint.urls.keys()
        self._takes_trace = takes_trace
        self.exporter = exporter

    def add(
        self, source: int, spans: Sequence[Span], metrics: Sequence[Metric], now_s: float
    ) -> None:
        taken = [s for s in spans if self._takes_trace(s.trace_id.hex())]
        self._batcher.add(
            source,
            taken if "traces" in self._signals else (),
            metrics if "metrics" in self._signals else (),
            now_s,
        )

    def wait_s(self, now_s: float) -> float | None:
        return self._batcher.wait_s(now_s)

    def flush(self) -> None:
        for batch in self._batcher.take():
            self.exporter.offer(batch)


class Telemetry:
    """Everything between the pipes and the exporters; told the time, so it is tested without."""

    def __init__(self, config: TelemetryConfig, main: Lane, copy: Lane | None = None) -> None:
        self._config = config
        self._scope = RunScope(config.run_id, config.anchor)
        self._main = main
        self._lanes = [main] if copy is None else [main, copy]
        self._copy = copy
        self._last: tuple[int, RunRecord] | None = None
        self._received: Counter[int | None] = Counter()  # spans, by the shard that ended them
        self._workers_lost: list[WorkerLost] = []

    def take(self, source: int, message: Message, now_s: float) -> None:
        shard = self._config.source_shards[source]
        match message:
            case Dropped(reason, spans):
                self._received[shard] += spans
                self._main.exporter.note_lost(reason, spans)
                return
            case WorkerLost():
                self._workers_lost.append(message)  # its pipe may still hold something
                return
        self._received[shard] += sum(map(span_count, message))
        for record in message:
            if isinstance(record, RunRecord) and record.end_mono_ns is not None:
                self._last = source, record  # it is sent last, when the counts are known
            else:
                self._take_record(source, record, now_s)

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until ``tick`` has something to do; None when nothing is held."""
        waits = [wait_s for lane in self._lanes if (wait_s := lane.wait_s(now_s)) is not None]
        return min(waits, default=None)

    def tick(self, now_s: float) -> None:
        for lane in self._lanes:
            if lane.wait_s(now_s) == 0.0:
                lane.flush()

    def finish(self, now_s: float) -> Totals:
        """Send what is left, then the run span with the counts of all the others."""
        for lost in self._workers_lost:
            self._name_lost(lost)
        for lane in self._lanes:
            lane.flush()
        self._main.exporter.drain(self._config.flush_s)
        if self._copy is not None:  # before the last span, which says how much of it got there
            self._copy.exporter.drain(self._config.copy_flush_s)
        if self._last is not None:
            source, record = self._last
            so_far = self._main.exporter.totals()
            counts = SpanCounts(so_far.ended + 1, so_far.lost, self._copy_counts())
            self._take_record(source, record, now_s, counts)
            for lane in self._lanes:
                lane.flush()
            self._main.exporter.drain(min(_LAST_SPAN_S, self._config.flush_s))
        totals = self._main.exporter.totals()
        if self._copy is None:
            return totals
        self._copy.exporter.drain(min(_LAST_SPAN_S, self._config.copy_flush_s))
        return replace(totals, copy=self._copy.exporter.totals())

    def _copy_counts(self) -> Mapping[str, object] | None:
        if self._copy is None:
            return None
        totals = self._copy.exporter.totals()
        return {
            "ended": totals.ended,
            "acknowledged": totals.acknowledged,
            "waiting": totals.spooled,
            "lost": totals.lost,
        }

    def _name_lost(self, lost: WorkerLost) -> None:
        """By now every pipe is at its end: what a worker counted and nobody got died with it."""
        unsent = lost.spans_ended - self._received[lost.shard_index]
        # Records go in order: what came beyond its count is part of what was bounded.
        more = lost.more_at_most + min(0, unsent)
        for reason, spans in ((WORKER_LOST, unsent), (WORKER_LOST_AT_MOST, more)):
            if spans > 0:
                self._main.exporter.note_lost(reason, spans)

    def _metrics_of(self, record: Record) -> list[Metric]:
        match record:
            case Health():
                return metrics_of(record, self._scope.anchor)
            case Usage() | MachineUsage():
                return usage_metrics(record, self._scope.anchor)
            case _:
                return []

    def _take_record(
        self, source: int, record: Record, now_s: float, counts: SpanCounts | None = None
    ) -> None:
        try:
            spans = spans_of(record, self._scope, counts)
            metrics = self._metrics_of(record)
        except Exception as error:
            # One record that can not be told must not silence all that come after it.
            print(f"ovl telemetry: a {type(record).__name__} was lost: {error!r}", file=sys.stderr)
            self._main.exporter.note_lost("not_encodable", span_count(record))
            return
        for lane in self._lanes:
            lane.add(source, spans, metrics, now_s)


def run(config: TelemetryConfig, sources: list[Connection], control: Connection) -> None:
    """Entry of the process. ``sources`` are read until all are at their end.

    The ``Totals`` go out on ``control`` when everything is acknowledged or given up.
    """
    # A signal to the whole group must not stop this one: the hung up calls' records are to come.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_NICENESS)
    main = _lane(config, config.endpoint, _spool(config, LANE_STORE), 2.0, lambda trace: True)
    copy = None
    if config.copy is not None:
        sampler = _sampler(config, config.copy.ratio)
        copy = _lane(config, config.copy.endpoint, _spool(config, LANE_COPY), 30.0, sampler)
    telemetry = Telemetry(config, main, copy)
    indices = {source: index for index, source in enumerate(sources)}
    while indices:
        for ready in wait(list(indices), telemetry.wait_s(time.monotonic())):
            assert isinstance(ready, Connection)
            try:
                message: Message = ready.recv()
            except (EOFError, OSError):  # a source that was killed ends in the middle of a message
                del indices[ready]
                continue
            telemetry.take(indices[ready], message, time.monotonic())
        telemetry.tick(time.monotonic())
    totals = telemetry.finish(time.monotonic())
    with contextlib.suppress(OSError):  # the runner may be gone
        control.send(totals)
    control.close()
    main.exporter.close()
    if copy is not None:
        copy.exporter.close()


def _lane(
    config: TelemetryConfig,
    endpoint: Endpoint,
    open_spool: OpenSpool | None,
    max_backoff_s: float,
    takes_trace: Callable[[str], bool],
) -> Lane:
    exporter = Exporter(open_poster(endpoint), Backlog(open_spool), max_backoff_s=max_backoff_s)
    exporter.start()
    return Lane(config, endpoint, exporter, takes_trace)


def _spool(config: TelemetryConfig, lane: str) -> OpenSpool | None:
    place, copy = config.spool, config.copy
    if place is None:
        return None
    to = copy.endpoint.place if lane == LANE_COPY and copy is not None else config.destination
    return lambda damaged: Spool(place, lane, to, damaged)


def open_poster(endpoint: Endpoint) -> Poster:
    """A poster for the endpoint's protocol; connects only when it is first used."""
    if endpoint.protocol == "grpc":
        # Here, because gRPC costs half a second to import and is only for a copy that asks for it.
        from otel_voiceload.telemetry.grpc_posting import GrpcPoster

        return GrpcPoster(endpoint)
    return HttpPoster(endpoint)


def _sampler(config: TelemetryConfig, ratio: float) -> Callable[[str], bool]:
    """By trace, so that a call is there whole or not at all; the run and its stages always are."""
    run_trace = run_trace_id(config.run_id)
    return lambda trace: ratio > 0 and (trace == run_trace or in_ratio(trace, ratio))
