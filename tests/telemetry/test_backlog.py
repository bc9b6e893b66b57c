from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import cast

import pytest

from otel_voiceload.store.spooled import Frame
from otel_voiceload.telemetry.backlog import Backlog, Ledger
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.spool import Spool


class FakeDisk:
    """A spool of so many batches, on a disk that can be full."""

    def __init__(self, batches: int = 1000) -> None:
        self.room = batches
        self.full = False
        self.frames: deque[Frame] = deque()
        self.closed = False
        self.peak_bytes = 0
        self.damaged: Callable[[str, int], None] = lambda signal, items: None

    def open(self, damaged: Callable[[str, int], None]) -> Spool:
        self.damaged = damaged
        return cast(Spool, self)

    @property
    def empty(self) -> bool:
        return not self.frames

    def items(self, signal: str) -> int:
        return sum(frame.items for frame in self.frames if frame.signal == signal)

    def append(self, frame: Frame) -> bool:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        if len(self.frames) >= self.room:
            return False
        self.frames.append(frame)
        return True

    def peek(self) -> Frame | None:
        return self.frames[0] if self.frames else None

    def pop(self) -> None:
        self.frames.popleft()

    def close(self) -> None:
        self.closed = True


def batch(items: int, size: int = 10) -> Batch:
    return Batch("traces", b"x" * size, items)


def taken(backlog: Backlog) -> list[int]:
    """The sizes of all batches, in the order in which they are given out."""
    found = []
    while (each := backlog.take()) is not None:
        found.append(each.items)
        backlog.settle()
    return found


def test_what_was_not_taken_for_good_comes_again() -> None:
    backlog = Backlog()
    backlog.put(batch(1))
    backlog.put(batch(2))
    first = backlog.take()
    assert first is not None
    assert backlog.take() is first
    backlog.settle()
    assert backlog.ledger("traces") == Ledger(3, 1, {})
    assert not backlog.empty


def test_a_partly_rejected_batch_is_counted_on_both_sides() -> None:
    backlog = Backlog()
    backlog.put(batch(5))
    backlog.take()
    backlog.settle(rejected=2, reason="rejected")
    assert backlog.ledger("traces") == Ledger(5, 3, {"rejected": 2})
    assert backlog.empty


def test_as_long_as_the_destination_takes_everything_nothing_is_written() -> None:
    disk = FakeDisk()
    backlog = Backlog(disk.open)
    for items in (1, 2, 4):
        backlog.put(batch(items))
    assert taken(backlog) == [1, 2, 4]
    assert not disk.frames


def test_a_destination_that_is_away_sends_everything_to_disk_and_the_order_stays() -> None:
    disk = FakeDisk()
    backlog = Backlog(disk.open)
    for items in (1, 2):
        backlog.put(batch(items))
    backlog.take()
    backlog.give_back()
    backlog.put(batch(4))
    assert [frame.items for frame in disk.frames] == [1, 2, 4]
    assert backlog.ledger("traces") == Ledger(7, 0, {}, spooled=7)
    assert backlog.take() == batch(1)
    backlog.settle()  # it is back
    backlog.put(batch(8))
    assert len(disk.frames) == 2
    assert taken(backlog) == [2, 4, 8]
    assert backlog.ledger("traces") == Ledger(15, 15, {})


def test_a_slow_destination_costs_only_a_small_share_of_memory() -> None:
    disk = FakeDisk()
    backlog = Backlog(disk.open, memory_bytes=30)
    for items in range(1, 8):
        backlog.put(batch(items))
    assert [frame.items for frame in disk.frames] == [1, 2, 3, 4]
    assert taken(backlog) == [1, 2, 3, 4, 5, 6, 7]


def test_beyond_the_spools_cap_the_newest_are_lost_by_name() -> None:
    disk = FakeDisk(batches=2)
    backlog = Backlog(disk.open)
    backlog.put(batch(1))
    backlog.take()
    backlog.give_back()
    for items in (2, 4, 8):
        backlog.put(batch(items))
    assert backlog.ledger("traces") == Ledger(15, 0, {"spool_full": 12}, spooled=3)
    assert taken(backlog) == [1, 2]


def test_a_full_disk_is_bridged_in_memory_and_used_again_when_it_has_room(
    capsys: pytest.CaptureFixture[str],
) -> None:
    disk = FakeDisk()
    backlog = Backlog(disk.open, fallback_bytes=40)
    backlog.put(batch(1))
    backlog.take()
    backlog.give_back()
    disk.full = True
    for items in (2, 4):
        backlog.put(batch(items))
    assert len(disk.frames) == 1
    disk.full = False
    backlog.put(batch(8))
    assert [frame.items for frame in disk.frames] == [1, 2, 4, 8]
    assert backlog.ledger("traces") == Ledger(15, 0, {}, spooled=15)
    said = capsys.readouterr().err.splitlines()
    assert ["can not spool" in said[0], "spooling again" in said[1], len(said)] == [True, True, 2]


def test_what_neither_disk_nor_memory_holds_is_lost_by_name() -> None:
    disk = FakeDisk()
    disk.full = True
    backlog = Backlog(disk.open, memory_bytes=5, fallback_bytes=20)
    for items in (1, 2, 4, 8):
        backlog.put(batch(items))
    assert backlog.ledger("traces") == Ledger(15, 0, {"spool_disk_full": 12})
    assert taken(backlog) == [1, 2]


def test_without_a_spool_memory_is_the_bound() -> None:
    backlog = Backlog(memory_bytes=20)
    for items in (1, 2, 4):
        backlog.put(batch(items))
    backlog.put(batch(8, size=100))
    assert backlog.ledger("traces") == Ledger(15, 0, {"memory_full": 12})
    assert taken(backlog) == [1, 2]


@pytest.mark.parametrize(
    ("full", "ledger"),
    [
        (False, Ledger(3, 0, {}, spooled=3)),
        (True, Ledger(3, 0, {"unacknowledged_at_end": 3})),
    ],
)
def test_at_the_end_everything_is_put_on_disk_or_named_and_a_late_answer_is_ignored(
    full: bool, ledger: Ledger
) -> None:
    disk = FakeDisk()
    disk.full = full
    backlog = Backlog(disk.open)
    backlog.put(batch(1))
    backlog.put(batch(2))
    backlog.take()
    backlog.put_away("unacknowledged_at_end")
    backlog.settle()
    assert backlog.ledger("traces") == ledger
    backlog.close()
    assert disk.closed
    assert backlog.take() is None


def test_a_batch_that_can_not_be_read_back_is_a_loss_by_name() -> None:
    disk = FakeDisk()
    backlog = Backlog(disk.open)
    backlog.put(batch(4))
    backlog.take()
    backlog.settle()
    disk.damaged("traces", 3)
    assert backlog.ledger("traces").lost == {"spool_damaged": 3}


def test_losses_before_the_backlog_close_the_ledger_too() -> None:
    backlog = Backlog()
    backlog.note_lost("traces", "pipe_full", 7)
    assert backlog.ledger("traces") == Ledger(7, 0, {"pipe_full": 7})
    assert backlog.ledger("metrics") == Ledger(0, 0, {})
