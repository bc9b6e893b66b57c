from __future__ import annotations

from pathlib import Path

from otel_voiceload.store.spooled import TO_THIS_STORE, Waiting, waiting
from otel_voiceload.telemetry.backlog import Backlog
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.exporter import Exporter, Totals
from otel_voiceload.telemetry.posting import Answer
from otel_voiceload.telemetry.spool import Spool, SpoolPlace


class FakePoster:
    """Answers from a list; a list that is used up means that everything is taken."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.posted: list[bytes] = []

    def post(self, batch: Batch, timeout_s: float) -> Answer:
        self.posted.append(batch.body)
        answer = self.answers.pop(0) if self.answers else Answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def batch(items: int) -> Batch:
    return Batch("traces", f"batch of {items}".encode(), items)


def exporter(poster: FakePoster) -> Exporter:
    return Exporter(poster, Backlog(), max_backoff_s=0.4)


def test_a_batch_is_retried_unchanged_until_it_is_acknowledged() -> None:
    poster = FakePoster(ConnectionRefusedError(), TimeoutError(), Answer(retry=True))
    export = exporter(poster)
    export.offer(batch(5))
    assert [export.step() for _ in range(4)] == [0.1, 0.2, 0.4, 0.0]
    assert poster.posted == [b"batch of 5"] * 4
    assert export.totals() == Totals(5, 5, {})


def test_the_backoff_is_bounded_and_starts_anew_after_a_success() -> None:
    down = [ConnectionRefusedError() for _ in range(5)]
    export = exporter(FakePoster(*down, Answer(), ConnectionRefusedError()))
    export.offer(batch(1))
    export.offer(batch(2))
    assert [export.step() for _ in range(7)] == [0.1, 0.2, 0.4, 0.4, 0.4, 0.0, 0.1]


def test_a_retry_after_is_kept_to_within_reason() -> None:
    busy = [Answer(retry=True, retry_after_s=s) for s in (7.0, 3600.0)]
    export = exporter(FakePoster(*busy))
    export.offer(batch(1))
    assert [export.step(), export.step()] == [7.0, 30.0]


def test_what_is_refused_is_a_loss_by_name_and_does_not_hold_up_the_next() -> None:
    refusals = (Answer(rejected=5, reason="http_400"), Answer(rejected=1, reason="rejected"))
    export = exporter(FakePoster(*refusals, ValueError("a bug")))
    for items in (5, 4, 3, 2):
        export.offer(batch(items))
    for _ in range(4):
        assert export.step() == 0.0
    totals = export.totals()
    assert totals == Totals(14, 5, {"http_400": 5, "rejected": 1, "internal_ValueError": 3})
    assert totals.unexplained == 0


def test_the_ledger_closes_at_the_deadline_even_when_nobody_answers() -> None:
    export = exporter(FakePoster(*(ConnectionRefusedError() for _ in range(1000))))
    export.start()
    export.offer(batch(5))
    export.note_lost("pipe_full", 2)
    assert export.drain(0.15) is False
    export.close()
    assert export.totals() == Totals(7, 0, {"pipe_full": 2, "unacknowledged_at_end": 5})
    assert export.totals().unexplained == 0


def test_the_thread_delivers_what_is_offered() -> None:
    poster = FakePoster(ConnectionRefusedError())
    export = exporter(poster)
    export.start()
    for items in range(1, 6):
        export.offer(batch(items))
    assert export.drain(60.0) is True
    export.close()
    assert export.totals() == Totals(15, 15, {})
    assert poster.posted[-1] == b"batch of 5"


def test_how_long_the_destination_was_away_is_told() -> None:
    now_s = 0.0
    poster = FakePoster(Answer(retry=True), Answer(retry=True), Answer(), Answer(retry=True))
    export = Exporter(poster, Backlog(), clock=lambda: now_s)
    export.offer(batch(1))
    export.offer(batch(2))
    told = []
    for now_s in (10.0, 12.0, 17.0, 30.0, 33.0):  # noqa: B007  # the clock reads it
        export.step()
        told.append(export.totals().away_s)
    assert told == [0.0, 2.0, 7.0, 7.0, 10.0]


def test_what_is_left_at_the_end_waits_on_disk_for_the_next_collector(tmp_path: Path) -> None:
    place = SpoolPlace(tmp_path / "spool" / "run")
    backlog = Backlog(lambda damaged: Spool(place, "store", TO_THIS_STORE, damaged))
    export = Exporter(FakePoster(*(ConnectionRefusedError() for _ in range(1000))), backlog)
    export.start()
    export.offer(batch(5))
    assert export.drain(0.05) is False
    export.offer(batch(1))
    export.drain(0.05)
    export.close()
    assert export.totals() == Totals(6, 0, {}, spooled=6)
    assert export.totals().unexplained == 0
    assert waiting(tmp_path, "run") == Waiting(6, {})
