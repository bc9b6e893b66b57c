from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path

import orjson
import pytest

from otel_voiceload.store import spooled
from otel_voiceload.store.spooled import HEAD_BYTES, Frame
from otel_voiceload.telemetry.spool import Spool, SpoolPlace

RUN = "20261123T101500-ab12cd"


def frame(number: int, size: int = 100) -> Frame:
    return Frame("traces", number, number.to_bytes(2, "big") * (size // 2))


class Spooling:
    """A spool with segments of three batches of 100 bytes."""

    def __init__(self, store: Path, max_bytes: int = 10_000) -> None:
        self.lane = store / "spool" / RUN / "store"
        self.damaged: Counter[str] = Counter()
        self.spool = Spool(
            SpoolPlace(store / "spool" / RUN, max_bytes),
            "store",
            "http://127.0.0.1:4318/v1/traces",
            lambda signal, items: self.damaged.update({signal: items}),
            segment_bytes=3 * (100 + HEAD_BYTES),
        )

    @property
    def files(self) -> list[str]:
        return [path.name for path in spooled.segments(self.lane)]

    def rest(self) -> list[int]:
        found = []
        while (each := self.spool.peek()) is not None:
            found.append(each.items)
            self.spool.pop()
        return found


def test_batches_come_back_in_order_and_their_files_go(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path / "store")
    spool = spooling.spool
    for number in range(1, 8):
        assert spool.append(frame(number))
    assert spooling.files == ["00000001.otlp", "00000002.otlp", "00000003.otlp"]
    assert spool.items("traces") == 28
    assert spool.items("metrics") == 0
    assert spool.peek() == spool.peek() == frame(1)
    for _ in range(4):
        spool.pop() if spool.peek() else None
    assert spooling.files == ["00000002.otlp", "00000003.otlp"]
    assert spool.append(frame(8))
    assert spooling.rest() == [5, 6, 7, 8]
    assert spool.empty
    assert spooling.files == []
    assert spool.peak_bytes == 7 * (100 + HEAD_BYTES)
    spool.append(frame(9))
    assert spooling.rest() == [9]
    spool.close()
    assert not spooling.lane.parent.exists()


def test_without_a_batch_no_folder_is_made(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path / "store")
    assert spooling.spool.peek() is None
    spooling.spool.close()
    assert not (tmp_path / "store").exists()


def test_a_store_that_is_new_gets_what_makes_it_one(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path / "store")
    spooling.spool.append(frame(1))
    assert (tmp_path / "store" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / "store" / "recordings").is_dir()
    about = orjson.loads((spooling.lane / "destination.json").read_bytes())
    assert about == {"format": 1, "run": RUN, "destination": "http://127.0.0.1:4318/v1/traces"}


def test_a_folder_of_other_things_is_not_hidden_from_its_owner(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(OSError, match="not a store"):
        Spooling(tmp_path).spool.append(frame(1))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_cap_counts_files_until_they_are_gone(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path, max_bytes=4 * (100 + HEAD_BYTES))
    spool = spooling.spool
    assert [spool.append(frame(number)) for number in range(1, 6)] == [True] * 4 + [False]
    assert spool.peek() is not None
    spool.pop()
    assert not spool.append(frame(6)), "its file is still there"
    assert spooling.rest() == [2, 3, 4]
    assert spool.append(frame(7))


def test_a_disk_that_takes_half_a_batch_keeps_the_others_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooling = Spooling(tmp_path)
    spool = spooling.spool
    spool.append(frame(1))
    write, refused = os.write, 0

    def fills_up(descriptor: int, data: memoryview) -> int:
        nonlocal refused
        if refused % 2:
            refused += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        refused += 1
        return write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr("otel_voiceload.telemetry.spool.os.write", fills_up)
    for _ in range(4):  # also where the refused batch would have begun a new file
        with pytest.raises(OSError, match="No space"):
            spool.append(frame(2))
        monkeypatch.undo()
        spool.append(frame(3))
        monkeypatch.setattr("otel_voiceload.telemetry.spool.os.write", fills_up)
    assert refused == 8
    monkeypatch.undo()
    assert spooling.rest() == [1, 3, 3, 3, 3]
    assert not spooling.damaged


def test_a_batch_that_rotted_on_disk_is_counted_and_the_next_is_read(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path)
    for number in range(1, 6):
        spooling.spool.append(frame(number))
    first, second = spooled.segments(spooling.lane)
    flip(first, at=HEAD_BYTES + 5)  # in the body of 1: its header still says how much is lost
    flip(second, at=3)  # in the header of 4: nobody can tell any more where 5 begins
    assert spooling.rest() == [2, 3]
    assert spooling.damaged == {"traces": 1 + 4 + 5}
    assert spooling.spool.empty


def test_a_file_that_is_gone_is_counted(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path)
    for number in range(1, 6):
        spooling.spool.append(frame(number))
    spooled.segments(spooling.lane)[0].unlink()
    assert spooling.rest() == [4, 5]
    assert spooling.damaged == {"traces": 6}


def test_what_is_left_at_the_end_stays_with_how_far_it_was_read(tmp_path: Path) -> None:
    spooling = Spooling(tmp_path)
    for number in range(1, 6):
        spooling.spool.append(frame(number))
    for _ in range(2):
        spooling.spool.peek()
        spooling.spool.pop()
    spooling.spool.peek()
    spooling.spool.close()
    assert [found.items for _, found, _ in spooled.frames_waiting(spooling.lane)] == [3, 4, 5]


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
