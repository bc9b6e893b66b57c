import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ovl_collector.manifest import Manifest, SegmentEntry, read_manifest
from ovl_collector.recovery import recent_hashes, recover
from ovl_collector.segment_file import SegmentMaker

from .requests import traces
from .stores import new_segments, query, vanish
from .test_segments import commit


def killed(folder: Path, spans: int = 3):
    """A recording whose collector vanished in the middle of its second segment."""
    segments = new_segments(folder)
    commit(segments, traces(2))
    segments.rotate().result()
    commit(segments, traces(spans, first=10))
    vanish(segments)
    return read_manifest(folder)


def test_a_leftover_segment_is_sealed_and_what_it_held_is_there(tmp_path):
    manifest = recover(tmp_path, killed(tmp_path), ended=True)
    assert [(entry.state, entry.spans) for entry in manifest.segments] == [
        ("sealed", 2),
        ("sealed", 3),
    ]
    assert manifest == read_manifest(tmp_path)
    assert manifest.ended
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "manifest.json",
        "segment-0001.duckdb",
        "segment-0002.duckdb",
    ]
    assert len(recent_hashes(tmp_path, manifest)) == 2
    assert recover(tmp_path, manifest, ended=True) == manifest


def test_a_file_that_never_came_into_the_manifest_is_found(tmp_path):
    manifest = killed(tmp_path).without_segment(2)
    assert [entry.spans for entry in recover(tmp_path, manifest).segments] == [2, 3]


def test_an_empty_leftover_and_a_half_made_file_are_removed(tmp_path):
    manifest = killed(tmp_path)
    path = tmp_path / "segment-0003.duckdb"
    SegmentMaker(tmp_path, "r").make(path, 3, 1).abandon()
    (tmp_path / "segment-0004.duckdb.tmp").write_bytes(b"half")
    (tmp_path / "manifest.json.tmp").write_bytes(b"half")
    assert [entry.number for entry in recover(tmp_path, manifest).segments] == [1, 2]
    assert not path.exists()
    assert not list(tmp_path.glob("*.tmp"))


def test_a_shortened_log_is_noticed(tmp_path):
    manifest = killed(tmp_path, spans=5)
    log = tmp_path / "segment-0002.duckdb.wal"
    log.write_bytes(log.read_bytes()[:-200])
    recovered = recover(tmp_path, manifest)
    (shortened,) = recovered.shortened
    assert (shortened.file, shortened.batches_missing, shortened.spans_missing) == (
        "segment-0002.duckdb",
        1,
        5,
    )


def test_a_damaged_file_is_set_aside_and_kept(tmp_path):
    manifest = killed(tmp_path)
    path = tmp_path / "segment-0002.duckdb"
    path.write_bytes(b"\x00" * 4096)
    recovered = recover(tmp_path, manifest)
    assert [entry.number for entry in recovered.segments] == [1]
    assert recovered.damaged[0].file == "segment-0002.duckdb.damaged"
    assert (tmp_path / "segment-0002.duckdb.damaged").read_bytes() == b"\x00" * 4096
    assert (tmp_path / "segment-0002.duckdb.damaged.wal").exists()
    assert query(tmp_path / "segment-0001.duckdb", "select count(*) from spans") == [(2,)]


def test_a_file_that_is_gone_is_named(tmp_path):
    manifest = Manifest("r", 0).with_segment(SegmentEntry("segment-0001.duckdb", 1, "sealed"))
    recovered = recover(tmp_path, manifest)
    assert recovered.segments == ()
    assert recovered.damaged[0].error == "the file is missing"


def test_a_sealed_file_in_the_place_of_another_is_set_aside(tmp_path):
    segments = new_segments(tmp_path)
    for first in (1, 10):
        commit(segments, traces(2, first=first))
        segments.rotate().result()
    manifest = segments.end()
    shutil.copy(tmp_path / "segment-0001.duckdb", tmp_path / "segment-0002.duckdb")
    recovered = recover(tmp_path, manifest, ended=True)
    assert [entry.number for entry in recovered.segments] == [1]
    (damaged,) = recovered.damaged
    assert damaged.file == "segment-0002.duckdb.damaged"
    assert damaged.error == "it is segment 1 of recording r"
    assert (tmp_path / damaged.file).exists()


def test_a_sealed_file_with_another_number_of_batches_is_set_aside(tmp_path):
    segments = new_segments(tmp_path)
    commit(segments)
    manifest = segments.end()
    (entry,) = manifest.segments
    recovered = recover(tmp_path, manifest.with_segment(replace(entry, batches=2)))
    assert recovered.damaged[0].error == "it holds 1 batches and the manifest says 2"


def test_a_live_file_of_another_recording_is_set_aside(tmp_path):
    manifest = killed(tmp_path)
    path = tmp_path / "segment-0002.duckdb"
    for each in tmp_path.glob("segment-0002.duckdb*"):
        each.unlink()
    SegmentMaker(tmp_path, "other").make(path, 2, 1).abandon()
    (damaged,) = recover(tmp_path, manifest).damaged
    assert damaged.error == "it is segment 2 of recording other"


@pytest.mark.parametrize(("acked", "damaged"), [(b"", 0), (b'{"batches":1}', 1), (None, 1)])
def test_a_listed_file_whose_making_was_cut_short_is_no_damage(tmp_path, acked, damaged):
    manifest = Manifest("r", 0).with_segment(SegmentEntry("segment-0001.duckdb", 1))
    if acked is not None:
        (tmp_path / "segment-0001.acked").write_bytes(acked)
    recovered = recover(tmp_path, manifest)
    assert recovered.segments == ()
    assert len(recovered.damaged) == damaged
