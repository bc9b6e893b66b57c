from __future__ import annotations

import threading
from collections import Counter
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from otel_voiceload.load.outbox import PipeWriter, RecordOutbox
from otel_voiceload.model import RunRecord, Stage, StageRecord
from otel_voiceload.telemetry.process import Dropped


def record(index: int) -> StageRecord:
    return StageRecord(Stage(index, "p", 0.0, 1.0, 1.0, 1.0), 0)


def read_all(end: Connection) -> list[object]:
    messages = []
    try:
        while True:
            messages.append(end.recv())
    except EOFError:
        return messages


def test_records_arrive_in_order_and_in_lists() -> None:
    reader, pipe = Pipe(duplex=False)
    outbox = RecordOutbox(pipe, every_s=60.0)
    for index in range(3):
        outbox.put(record(index))
    assert outbox.close() == {}
    assert read_all(reader) == [[record(0), record(1), record(2)]]


def test_what_does_not_fit_is_dropped_oldest_first_and_told() -> None:
    reader, pipe = Pipe(duplex=False)
    outbox = RecordOutbox(pipe, every_s=60.0, max_records=2)
    for index in range(5):
        outbox.put(record(index))
    assert outbox.close() == {}
    assert read_all(reader) == [[record(3), record(4)], Dropped("pipe_full", 3)]
    assert outbox.spans_ended == 5


def test_when_telemetry_is_gone_the_loss_is_counted_for_the_runner() -> None:
    reader, pipe = Pipe(duplex=False)
    reader.close()
    outbox = RecordOutbox(pipe, every_s=60.0)
    outbox.put(record(0))
    outbox.put(record(1))
    assert outbox.close() == {"telemetry_gone": 2}


def test_a_reader_that_stops_reading_never_blocks_the_one_who_puts() -> None:
    release = threading.Event()
    sent: list[int] = []
    dropped: Counter[str] = Counter()

    def send(items: list[int]) -> None:
        sent.extend(items)
        release.wait(10.0)

    writer = PipeWriter[int](
        send,
        lambda item, reason: dropped.update([reason]),
        every_s=0.001,
        max_items=10,
        at_a_time=1,
    )
    for item in range(1000):
        writer.put(item)
    assert writer.close(0.05) is False
    release.set()
    assert dropped["pipe_full"] == 1000 - (len(sent) - 1), "the one under way may never arrive"


def test_a_stuck_pipe_does_not_keep_the_worker_from_leaving() -> None:
    _reader, pipe = Pipe(duplex=False)  # nobody reads
    outbox = RecordOutbox(pipe, every_s=0.001)
    target = "x" * 1_000_000  # more than a pipe holds
    outbox.put(RunRecord("r", target, "w", "p", 1, "", "", "", True, {}, 0))
    assert outbox.close(timeout_s=0.1) == {"pipe_full": 1}
