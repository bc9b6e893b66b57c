from pathlib import Path

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
