from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.store import spooled
from otel_voiceload.store.spooled import HEAD_BYTES, Damage, Frame, Waiting, pack

RUN = "20261123T101500-ab12cd"
FRAMES = (
    Frame("traces", 3, b"three spans"),
    Frame("metrics", 9, b"nine metrics"),
    Frame("traces", 4, b""),
    Frame("traces", 5, b"five spans"),
)


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    folder = tmp_path / "spool" / RUN / "store"
    folder.mkdir(parents=True)
    (folder / spooled.segment_name(1)).write_bytes(b"".join(map(pack, FRAMES[:2])))
    (folder / spooled.segment_name(2)).write_bytes(b"".join(map(pack, FRAMES[2:])))
    return folder


def cut(path: Path, by: int) -> None:
    path.write_bytes(path.read_bytes()[:-by])


def test_frames_come_back_as_they_were(lane: Path) -> None:
    assert tuple(found for _, found, _ in spooled.frames_waiting(lane)) == FRAMES


@pytest.mark.parametrize(
    ("by", "last"),
    [
        (3, Damage("traces", 5, True)),  # the body's end is missing
        (len(FRAMES[3].body), Damage("traces", 5, True)),
        (len(FRAMES[3].body) + 1, Damage("traces", None, True)),  # the header's too
        (len(pack(FRAMES[3])) - 1, Damage("traces", None, True)),
    ],
)
@pytest.mark.parametrize("with_body", [True, False])
def test_a_frame_that_was_half_written_is_told_from_the_end(
    lane: Path, by: int, last: Damage, with_body: bool
) -> None:
    cut(spooled.segments(lane)[-1], by)
    found = [each for _, each, _ in spooled.frames_waiting(lane, with_body=with_body)]
    assert found[-1] == last
    assert [type(each) for each in found[:-1]] == [Frame] * 3


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path, content = tmp_path / spooled.segment_name(1), pack(FRAMES[0]) + pack(FRAMES[3])
    for at in range(len(pack(FRAMES[0]))):
        broken = bytearray(content)
        broken[at] ^= 1 << (at % 8)
        path.write_bytes(broken)
        first, *rest = [found for found, _ in spooled.read_segment(path)]
        in_body = at >= HEAD_BYTES
        assert first == Damage("traces", 3 if in_body else None, not in_body)
        assert rest == ([FRAMES[3]] if in_body else [])


def test_what_was_acknowledged_is_behind_the_cursor(lane: Path) -> None:
    with (lane / "cursor").open("wb") as file:
        spooled.write_cursor(file.fileno(), spooled.segment_name(1), len(pack(FRAMES[0])))
    assert [found.items for _, found, _ in spooled.frames_waiting(lane)] == [9, 4, 5]


def test_a_report_hears_of_spans_that_wait_and_of_those_that_never_come(lane: Path) -> None:
    store = lane.parents[2]
    assert spooled.waiting(store, RUN) == Waiting(12, {})
    cut(spooled.segments(lane)[-1], 3)
    (lane / "lost.json").write_text('{"http_400": 2, "spool_damaged": 1}')
    assert spooled.waiting(store, RUN) == Waiting(7, {"http_400": 2, "spool_damaged": 6})
    assert spooled.waiting(store, "another run") == Waiting(0, {})


@pytest.mark.parametrize("text", ["", "[]", "no JSON"])
def test_a_description_that_can_not_be_read_is_none(lane: Path, text: str) -> None:
    (lane / "destination.json").write_text(text)
    (lane / "lost.json").write_text(text)
    (lane / "cursor").write_text(text)
    assert spooled.destination(lane) == ""
    assert spooled.read_lost(lane) == {}
    assert spooled.read_cursor(lane) == ("", 0)


def test_a_lane_has_one_owner_at_a_time(lane: Path) -> None:
    first = spooled.lock(lane)
    assert first is not None
    assert spooled.lock(lane) is None
