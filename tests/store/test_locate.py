from __future__ import annotations

import fcntl
import os
from pathlib import Path

import orjson
import pytest

from otel_voiceload.errors import StoreError
from otel_voiceload.store import locate


def recording(store: Path, name: str = "20270101T000000-aaaa", **manifest: object) -> Path:
    folder = store / "recordings" / name
    folder.mkdir(parents=True)
    content = {"format": 1, "recording": name, "ended": False, "segments": []} | manifest
    (folder / "manifest.json").write_bytes(orjson.dumps(content))
    (folder / "lock").write_text("somebody")
    return folder


def test_a_folder_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*gone.*ovl generate"):
        locate.find_recordings(tmp_path / "gone")


def test_a_folder_of_something_else_is_not_taken_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(StoreError, match="not a store"):
        locate.find_recordings(tmp_path)


def test_the_oldest_recording_comes_first_and_one_recording_can_be_named_alone(
    tmp_path: Path,
) -> None:
    later = recording(tmp_path, "20270102T000000-bbbb")
    recording(tmp_path, "20270101T000000-aaaa")
    assert [each.recording_id for each in locate.find_recordings(tmp_path)] == [
        "20270101T000000-aaaa",
        "20270102T000000-bbbb",
    ]
    assert [each.folder for each in locate.find_recordings(later)] == [later]


def test_a_held_lock_means_that_the_collector_lives(tmp_path: Path) -> None:
    folder = recording(tmp_path)
    (folder / "control.json").write_bytes(
        orjson.dumps({"pid": 7, "http": "http://127.0.0.1:4318", "token": "secret"})
    )
    (dead,) = locate.find_recordings(tmp_path)
    assert not dead.alive
    assert dead.control is None, "its port may be somebody else's now"
    holder = os.open(folder / "lock", os.O_RDWR)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        (alive,) = locate.find_recordings(tmp_path)
        assert locate.hold(alive) is None
    finally:
        os.close(holder)
    assert alive.alive
    assert alive.control == locate.Control("http://127.0.0.1:4318", "secret", 7)


def test_a_dead_recording_is_held_while_it_is_read(tmp_path: Path) -> None:
    folder = recording(tmp_path)
    (dead,) = locate.find_recordings(tmp_path)
    held = locate.hold(dead)
    assert held is not None
    other = os.open(folder / "lock", os.O_RDWR)
    try:
        with pytest.raises(OSError, match="unavailable"):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(other)
        os.close(held)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{not json", "can not be read"),
        (b'{"format": 2}', "has format 2, this version reads 1"),
        (b"[]", "has format nothing"),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (recording(tmp_path) / "manifest.json").write_bytes(content)
    with pytest.raises(StoreError, match=says):
        locate.find_recordings(tmp_path)


def test_without_a_manifest_the_file_names_tell_enough(tmp_path: Path) -> None:
    folder = recording(tmp_path)
    (folder / "manifest.json").unlink()
    (folder / "segment-0001.duckdb").touch()
    (found,) = locate.find_recordings(tmp_path)
    assert [(each.path.name, each.live) for each in found.segments] == [
        ("segment-0001.duckdb", True)
    ]


def test_what_the_collector_found_missing_is_said(tmp_path: Path) -> None:
    recording(
        tmp_path,
        damaged=[{"file": "segment-0001.duckdb.damaged", "error": "x"}],
        shortened=[{"file": "segment-0002.duckdb", "spans_missing": 12}],
    )
    (found,) = locate.find_recordings(tmp_path)
    assert "segment-0001.duckdb.damaged" in found.losses[0]
    assert found.losses[1].startswith("12 spans that were acknowledged are missing")


def test_the_counts_beside_a_live_segment_are_read_where_they_are(tmp_path: Path) -> None:
    segment = locate.Segment(tmp_path / "segment-0001.duckdb", 1, True)
    assert locate.acknowledged(segment) is None
    (tmp_path / "segment-0001.acked").write_text('{"batches":1,"spans":5,"metric_points":2}\n')
    assert locate.acknowledged(segment) == (5, 2)


def test_the_store_is_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OVL_STORE", raising=False)
    assert locate.default_store() == Path("ovl-store")
    monkeypatch.setenv("OVL_STORE", "/data/calls")
    assert locate.default_store() == Path("/data/calls")
