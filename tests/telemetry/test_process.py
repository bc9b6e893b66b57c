from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload import conventions as names
from otel_voiceload.telemetry import process
from otel_voiceload.telemetry.backlog import Backlog
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.context import call_identity
from otel_voiceload.telemetry.environ import CopyTarget
from otel_voiceload.telemetry.exporter import Exporter, Totals
from otel_voiceload.telemetry.posting import Answer, Endpoint
from otel_voiceload.telemetry.process import (
    Dropped,
    Lane,
    Telemetry,
    TelemetryConfig,
    WorkerLost,
)
from otel_voiceload.telemetry.spool import SpoolPlace

from . import records
from .records import RUN_ID, SCOPE, ms

ENDPOINT = Endpoint({"traces": "http://127.0.0.1:1/t", "metrics": "http://127.0.0.1:1/m"})
CONFIG = TelemetryConfig(
    RUN_ID, SCOPE.anchor, ENDPOINT, source_shards=(0, None), flush_s=0.2, copy_flush_s=0.1
)


class Stored:
    """A collector that takes everything, or nothing when it is ``down``."""

    def __init__(self, down: bool = False) -> None:
        self.down = down
        self.batches: list[Batch] = []

    def post(self, batch: Batch, timeout_s: float) -> Answer:
        if self.down:
            raise ConnectionRefusedError
        self.batches.append(batch)
        return Answer()

    def close(self) -> None:
        pass

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for batch in self.batches
            if batch.signal == "traces"
            for resource in ExportTraceServiceRequest.FromString(batch.body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]


_started: list[Exporter] = []


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """One that lives on at the end of Python makes DuckDB's binding tell of leaks."""
    yield
    while _started:
        _started.pop().close()


def lane(stored: Stored, takes: Callable[[str], bool] = lambda trace: True) -> Lane:
    exporter = Exporter(stored, Backlog(), max_backoff_s=0.1)
    exporter.start()
    _started.append(exporter)
    return Lane(CONFIG, ENDPOINT, exporter, takes)


def attribute(span: Span, key: str) -> object:
    (value,) = (item.value for item in span.attributes if item.key == key)
    return getattr(value, value.WhichOneof("value"))


def test_the_run_span_comes_last_and_counts_itself() -> None:
    stored = Stored()
    telemetry = Telemetry(CONFIG, lane(stored))
    telemetry.take(1, [records.run(end_mono_ns=ms(45_000))], 0.0)  # the runner is faster
    telemetry.take(0, [records.turn(), records.call(), records.health()], 0.0)
    telemetry.take(0, Dropped("pipe_full", 3), 0.0)
    totals = telemetry.finish(1.0)
    assert stored.names[-1] == "run"
    run = stored.spans[-1]
    assert attribute(run, "voiceload.run.spans_ended") == totals.ended == 4 + 3 + 3 + 1
    assert attribute(run, "voiceload.run.spans_lost") == '{"pipe_full":3}'
    assert totals == Totals(11, 8, {"pipe_full": 3})
    assert {batch.signal for batch in stored.batches} == {"traces", "metrics"}


def test_a_run_without_an_end_gets_no_run_span() -> None:
    stored = Stored()
    telemetry = Telemetry(CONFIG, lane(stored))
    telemetry.take(1, [records.run()], 0.0)
    assert telemetry.finish(1.0) == Totals(1, 1)
    assert stored.names == ["run.start"]


def test_spans_are_held_until_there_are_enough_or_it_is_time() -> None:
    stored = Stored()
    telemetry = Telemetry(CONFIG, lane(stored))
    assert telemetry.wait_s(0.0) is None
    telemetry.take(0, [records.turn()], 10.0)
    telemetry.tick(10.1)
    assert telemetry.wait_s(10.1) == pytest.approx(0.4)
    telemetry.tick(10.6)
    assert telemetry.wait_s(10.6) is None
    telemetry.finish(11.0)
    assert len(stored.spans) == 4


def test_a_copy_that_is_down_costs_the_store_nothing_and_has_its_own_count() -> None:
    stored, copied = Stored(), Stored(down=True)
    telemetry = Telemetry(CONFIG, lane(stored), lane(copied))
    telemetry.take(0, [records.turn()], 0.0)
    totals = telemetry.finish(1.0)
    assert (totals.ended, totals.acknowledged, totals.lost) == (4, 4, {})
    assert totals.copy == Totals(4, 0, {"unacknowledged_at_end": 4})


@pytest.mark.parametrize(
    ("down", "counted"),
    [
        (False, {"ended": 4, "acknowledged": 4, "waiting": 0, "lost": {}}),
        (
            True,
            {"ended": 4, "acknowledged": 0, "waiting": 0, "lost": {"unacknowledged_at_end": 4}},
        ),
    ],
)
def test_the_run_span_says_how_much_the_copy_got(down: bool, counted: dict[str, object]) -> None:
    stored, copied = Stored(), Stored(down=down)
    telemetry = Telemetry(CONFIG, lane(stored), lane(copied))
    telemetry.take(0, [records.turn()], 0.0)
    telemetry.take(1, [records.run(end_mono_ns=1)], 0.0)
    telemetry.finish(1.0)
    (run,) = [each for each in stored.spans if each.name == "run"]
    (said,) = [each.value.string_value for each in run.attributes if each.key == names.RUN_COPY]
    assert orjson.loads(said) == counted


def test_a_sampler_thins_the_copy_by_whole_calls_and_keeps_the_run() -> None:
    stored, copied = Stored(), Stored()
    takes = process._sampler(replace(CONFIG, copy=CopyTarget(ENDPOINT)), 0.5)
    telemetry = Telemetry(CONFIG, lane(stored), lane(copied, takes))
    calls = [call_identity(RUN_ID, index, "booking", True) for index in range(40)]
    for call in calls:
        telemetry.take(0, [records.turn(call=call), records.call(call=call)], 0.0)
    telemetry.take(1, [records.run(end_mono_ns=1)], 0.0)
    telemetry.finish(1.0)
    whole, thinned = len(stored.spans), len(copied.spans)
    assert whole == 40 * 7 + 1
    assert (thinned - 1) % 7 == 0
    assert 5 * 7 < thinned < 35 * 7
    assert copied.names[-1] == "run"


def test_a_record_that_can_not_be_told_is_counted_and_the_next_is_stored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = Stored()
    telemetry = Telemetry(CONFIG, lane(stored))
    call = replace(records.CALL, trace_id="not hex")
    telemetry.take(0, [records.turn(call=call), records.turn()], 0.0)
    assert telemetry.finish(1.0) == Totals(8, 4, {"not_encodable": 4})
    assert "TurnRecord" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (WorkerLost(0, 4 + 3 + 2, 0), {"pipe_full": 3}),  # its last word was in the pipe
        (WorkerLost(0, 4 + 3 + 3 + 5, 0), {"pipe_full": 3, "worker_lost": 5}),
        (WorkerLost(0, 8, 5), {"pipe_full": 3, "worker_lost_at_most": 3}),
        (WorkerLost(0, 20, 8), {"pipe_full": 3, "worker_lost": 10, "worker_lost_at_most": 8}),
    ],
)
def test_what_died_with_a_worker_is_counted_once_its_pipe_is_empty(
    lost: WorkerLost, named: dict[str, int]
) -> None:
    telemetry = Telemetry(CONFIG, lane(Stored()))
    telemetry.take(1, lost, 0.0)  # the runner notices before all is read
    telemetry.take(0, [records.turn(), records.call(), records.health()], 0.0)
    telemetry.take(0, Dropped("pipe_full", 3), 0.0)
    totals = telemetry.finish(1.0)
    assert totals.lost == named
    assert totals.unexplained == 0


def test_an_end_that_can_not_be_told_leaves_the_ledger_all_the_same() -> None:
    telemetry = Telemetry(CONFIG, lane(Stored()))
    telemetry.take(1, [records.stage(), records.run(seed="not a number", end_mono_ns="x")], 0.0)
    assert telemetry.finish(1.0) == Totals(2, 1, {"not_encodable": 1})


def test_the_process_reads_every_pipe_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = Stored()
    monkeypatch.setattr(process, "open_poster", lambda endpoint: stored)
    niceness: list[int] = []
    monkeypatch.setattr(process.os, "nice", niceness.append)  # else it would be this process's
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    (shard, to_shard), (runner, to_runner) = Pipe(duplex=False), Pipe(duplex=False)
    result, control = Pipe(duplex=False)
    to_shard.send([records.turn(), records.call()])
    to_shard.close()
    to_runner.send([records.stage()])
    to_runner.send([records.run(end_mono_ns=ms(45_000))])
    to_runner.close()
    try:
        process.run(CONFIG, [shard, runner], control)
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert result.recv() == Totals(9, 9)
    assert niceness == [5]
    assert stored.names[-1] == "run"


def test_a_configuration_says_everything_that_is_wrong() -> None:
    assert CONFIG.problems() == []
    wrong = replace(
        CONFIG,
        source_shards=(),
        batch_spans=0,
        endpoint=Endpoint({"traces": "nowhere"}),
        spool=SpoolPlace(Path("spool"), max_bytes=1000),
    )
    assert len(wrong.problems()) == 4
