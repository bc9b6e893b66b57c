"""Every batch is waited for, tried again when asked, and counted."""

from __future__ import annotations

import pytest

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.simulate import simulate
from otel_voiceload.capacity.simulated_run import SimulatedRun
from otel_voiceload.errors import CollectorError
from otel_voiceload.model import ClockAnchor, Record, RunRecord, Stage
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.bulk import TRIES, Bulk
from otel_voiceload.telemetry.posting import Answer

ANCHOR = ClockAnchor(0, 1_800_000_000_000_000_000)


class Shelf:
    """A collector that answers what it is told to, and keeps what it took."""

    def __init__(self, *answers: Answer | OSError) -> None:
        self.answers = list(answers)
        self.taken: list[Batch] = []
        self.closed = False

    def post(self, batch: Batch, timeout_s: float) -> Answer:
        answer = self.answers.pop(0) if self.answers else Answer()
        if isinstance(answer, OSError):
            raise answer
        if not answer.retry:
            self.taken.append(batch)
        return answer

    def close(self) -> None:
        self.closed = True


def records() -> list[Record]:
    return list(simulate([Stage(0, "ramp", 0, 20, 10, 10)], AgentConfig(), run=SimulatedRun("r")))


def last(all_records: list[Record]) -> RunRecord:
    found = all_records[-1]
    assert isinstance(found, RunRecord)
    return found


def test_what_is_sent_is_acknowledged_to_the_last_span() -> None:
    shelf, played = Shelf(), records()
    bulk = Bulk("r", ANCHOR, shelf)
    bulk.send(played[:-1])
    totals = bulk.finish(last(played))
    assert totals.ended == totals.acknowledged == sum(batch.items for batch in shelf.taken)
    assert totals.unexplained == 0
    assert shelf.closed


def test_a_busy_or_absent_collector_is_tried_again_and_rejected_spans_are_counted() -> None:
    waits: list[float] = []
    refused = Answer(rejected=3, reason="rejected")
    shelf, played = (
        Shelf(Answer(retry=True, retry_after_s=2.0), OSError("gone"), refused),
        records(),
    )
    bulk = Bulk("r", ANCHOR, shelf, waits.append)
    bulk.send(played[:-1])
    totals = bulk.finish(last(played))
    assert waits == [2.0, 0.5]
    assert totals.lost == {"rejected": 3}
    assert totals.unexplained == 0


def test_a_collector_that_never_takes_anything_ends_the_run() -> None:
    shelf, played = Shelf(*[OSError("gone")] * TRIES), records()
    bulk = Bulk("r", ANCHOR, shelf, lambda _: None)
    bulk.send(played[:-1])
    with pytest.raises(CollectorError, match="gone"):
        bulk.flush()
