from otel_voiceload.telemetry.backlog import Backlog
from otel_voiceload.telemetry.batches import Batch


def batch(items: int, size: int = 10) -> Batch:
    return Batch("traces", b"x" * size, items)


def test_what_was_not_taken_for_good_comes_again() -> None:
    backlog = Backlog(1000)
    backlog.put(batch(1))
    backlog.put(batch(2))
    first = backlog.take()
    assert first is not None
    assert backlog.take() is first
    backlog.settle()
    assert backlog.counts("traces") == (3, 1, {})
    assert not backlog.empty


def test_a_partly_rejected_batch_is_counted_on_both_sides() -> None:
    backlog = Backlog(1000)
    backlog.put(batch(5))
    backlog.take()
    backlog.settle(rejected=2, reason="rejected")
    assert backlog.counts("traces") == (5, 3, {"rejected": 2})
    assert backlog.empty


def test_beyond_its_bound_the_oldest_go_but_never_the_one_being_sent() -> None:
    backlog = Backlog(max_bytes=30)
    for items in (1, 2, 4):
        backlog.put(batch(items))
    sending = backlog.take()
    assert sending is not None
    assert sending.items == 1
    backlog.put(batch(8))
    assert backlog.counts("traces") == (15, 0, {"backlog_full": 2})
    backlog.settle()
    backlog.put(batch(16))
    assert backlog.counts("traces") == (31, 1, {"backlog_full": 2})


def test_a_batch_larger_than_the_bound_is_a_loss_by_name() -> None:
    backlog = Backlog(max_bytes=5)
    backlog.put(batch(3, size=6))
    assert backlog.counts("traces") == (3, 0, {"backlog_full": 3})
    assert backlog.empty


def test_abandoning_counts_everything_that_waits_and_ignores_a_late_answer() -> None:
    backlog = Backlog(1000)
    backlog.put(batch(1))
    backlog.put(batch(2))
    backlog.take()
    backlog.abandon("unacknowledged_at_end")
    backlog.settle()
    assert backlog.counts("traces") == (3, 0, {"unacknowledged_at_end": 3})
    backlog.put(batch(4))
    assert backlog.take() == batch(4)


def test_losses_before_the_backlog_close_the_ledger_too() -> None:
    backlog = Backlog(1000)
    backlog.note_lost("traces", "pipe_full", 7)
    assert backlog.counts("traces") == (7, 0, {"pipe_full": 7})
    assert backlog.counts("metrics") == (0, 0, {})
