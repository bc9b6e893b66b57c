from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from otel_voiceload.store import spooled
from otel_voiceload.store.spooled import TO_THIS_STORE, Frame, Waiting, waiting
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.leftovers import Delivered, deliver_all
from otel_voiceload.telemetry.posting import Answer, Endpoint
from otel_voiceload.telemetry.spool import Spool, SpoolPlace

HERE = Endpoint({"traces": "http://127.0.0.1:4318/v1/traces"})


class Destination:
    """Answers from a list; a list that is used up means that everything is taken."""

    def __init__(self, *answers: Answer | OSError) -> None:
        self.answers = list(answers)
        self.taken: list[int] = []
        self.slept: list[float] = []

    def post(self, batch: Batch, timeout_s: float) -> Answer:
        answer = self.answers.pop(0) if self.answers else Answer()
        if isinstance(answer, OSError):
            raise answer
        if not answer.retry and answer.rejected < batch.items:
            self.taken.append(batch.items)
        return answer

    def close(self) -> None:
        pass

    def deliver(self, store: Path) -> list[Delivered]:
        return deliver_all(
            store, {TO_THIS_STORE: HERE}, opened=lambda _: self, sleep=self.slept.append
        )


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    """Batches of 2, 4 and 8 spans and one of 9 metrics, the first of them acknowledged."""
    place = SpoolPlace(tmp_path / "spool" / "run")
    spool = Spool(place, "store", TO_THIS_STORE, lambda *_: None, segment_bytes=80)
    for signal, items in (("traces", 1), ("traces", 2), ("metrics", 9), ("traces", 4)):
        spool.append(Frame(signal, items, b"x" * 10))
    spool.append(Frame("traces", 8, b"x" * 10))
    spool.peek()
    spool.pop()
    spool.close()
    return place.folder / "store"


def test_what_waits_is_sent_in_order_and_its_folder_goes(tmp_path: Path, lane: Path) -> None:
    destination = Destination()
    (told,) = destination.deliver(tmp_path)
    assert destination.taken == [2, 9, 4, 8]
    assert told.spans == 14
    assert told.words() == "stored 14 spans that run run had left in its spool"
    assert not lane.parent.exists()
    assert destination.deliver(tmp_path) == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(retry=True, retry_after_s=7.0, reason="http_503"), "http_503"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (Answer(rejected=4, reason="http_401"), "http_401"),
    ],
)
def test_a_destination_that_takes_nothing_gets_the_rest_another_time(
    tmp_path: Path, lane: Path, answer: Answer | OSError, why: str
) -> None:
    destination = Destination(Answer(), Answer(), *[answer] * 3)
    (told,) = destination.deliver(tmp_path)
    assert (told.spans, told.waiting) == (2, 12)
    assert why in told.words()
    assert waiting(tmp_path, "run") == Waiting(12, {})
    again = Destination()
    (told,) = again.deliver(tmp_path)
    assert again.taken == [4, 8]
    assert not lane.exists()


def test_a_pause_is_as_long_as_the_destination_asks(tmp_path: Path, lane: Path) -> None:
    busy = Answer(retry=True, retry_after_s=7.0)
    destination = Destination(busy, ConnectionResetError(), Answer())
    destination.deliver(tmp_path)
    assert destination.slept == [7.0, 1.0]
    assert destination.taken == [2, 9, 4, 8]


def test_what_is_refused_for_good_or_damaged_stays_named_for_the_report(
    tmp_path: Path, lane: Path
) -> None:
    first, *_, last = spooled.segments(lane)
    content = bytearray(first.read_bytes())
    content[-1] ^= 1  # of the second batch
    first.write_bytes(content)
    last.write_bytes(last.read_bytes() + spooled.pack(Frame("traces", 16, b"x"))[:7])
    destination = Destination(Answer(), Answer(rejected=4, reason="http_400"))
    (told,) = destination.deliver(tmp_path)
    assert destination.taken == [9, 8]
    assert (told.lost, told.cut_batches) == (Counter(spool_damaged=2, http_400=4), 1)
    assert "cut short" in told.words()
    assert waiting(tmp_path, "run") == Waiting(0, {"spool_damaged": 2, "http_400": 4})
    assert destination.deliver(tmp_path) == []


def test_a_run_that_is_still_going_on_is_left_alone(tmp_path: Path, lane: Path) -> None:
    assert spooled.lock(lane) is not None
    destination = Destination()
    assert destination.deliver(tmp_path) == []
    assert destination.taken == []


def test_another_destination_is_named_and_waits(tmp_path: Path) -> None:
    spool = Spool(SpoolPlace(tmp_path / "spool" / "run"), "copy", "http://otel/v1", lambda *_: None)
    spool.append(Frame("traces", 3, b"x"))
    spool.close()
    destination = Destination()
    (told,) = destination.deliver(tmp_path)
    assert destination.taken == []
    assert "3 spans of run run wait for http://otel/v1 in" in told.words()
