import json
from pathlib import Path

import pytest

from ovl_collector.duplicates import SeenRequests, SeenSpans
from ovl_collector.group import build_group
from ovl_collector.manifest import read_manifest
from ovl_collector.recovery import recover
from ovl_collector.segment_file import SegmentFile
from ovl_collector.segments import Rotation, acked_path

from .requests import T0, traces
from .stores import new_segments, pending, query, vanish


def commit(segments, request=None, at=T0):
    group = build_group(
        [pending(request, at=at)],
        [],
        live=segments.live,
        seen_requests=SeenRequests(),
        seen_spans=SeenSpans(words_bits=10),
        suspect_until_unix_ns=0,
    )
    segments.commit(group.tables, group.body_bytes)


def states(folder):
    return [(entry.file, entry.state, entry.spans) for entry in read_manifest(folder).segments]


def test_rotation_seals_the_full_file_and_opens_the_next(tmp_path):
    segments = new_segments(tmp_path)
    commit(segments, traces(3), at=T0)
    commit(segments, traces(2, first=5), at=T0 + 9)
    assert segments.rotate().result() == ["segment-0001.duckdb"]
    assert states(tmp_path) == [
        ("segment-0001.duckdb", "sealed", 5),
        ("segment-0002.duckdb", "live", 0),
    ]
    sealed = read_manifest(tmp_path).segments[0]
    assert (sealed.batches, sealed.first_unix_ns, sealed.last_unix_ns) == (2, T0, T0 + 9)
    assert sealed.bytes == (tmp_path / sealed.file).stat().st_size
    assert query(tmp_path / sealed.file, "select count(*) from spans") == [(5,)]
    segments.end()


def test_every_file_has_the_resources_its_spans_point_to(tmp_path):
    segments = new_segments(tmp_path)
    for first in (1, 10):
        commit(segments, traces(1, first=first))
        commit(segments, traces(1, first=first + 1))
        segments.rotate().result()
    for number in (1, 2):
        path = tmp_path / f"segment-000{number}.duckdb"
        assert query(path, "select count(*) from spans join resources using (resource_id)") == [
            (2,)
        ]
    segments.end()


def test_an_empty_live_segment_stays(tmp_path):
    segments = new_segments(tmp_path)
    assert segments.rotate().result() == []
    assert states(tmp_path) == [("segment-0001.duckdb", "live", 0)]
    segments.end()


def test_the_end_removes_an_empty_segment_and_marks_the_recording(tmp_path):
    new_segments(tmp_path).end()
    manifest = read_manifest(tmp_path)
    assert (manifest.ended, manifest.segments) == (True, ())
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("killed_at", ["unlink", "replace_file"])
def test_a_kill_in_the_end_of_an_empty_segment_is_no_damage(tmp_path, monkeypatch, killed_at):
    """The manifest goes first, so at no moment a listed file is missing."""
    segments = new_segments(tmp_path)
    path = segments.live.path
    segments._drop_next()

    class Killed(BaseException):
        pass

    def kill(*arguments, **words):
        raise Killed

    if killed_at == "unlink":
        monkeypatch.setattr(Path, "unlink", kill)
    else:
        monkeypatch.setattr("ovl_collector.manifest.replace_file", kill)
    with pytest.raises(Killed):
        segments.end()
    monkeypatch.undo()
    manifest = read_manifest(tmp_path)
    assert path.exists(), "the manifest goes first"
    assert (not manifest.segments) is (killed_at == "unlink")
    recovered = recover(tmp_path, manifest, ended=True)
    assert (recovered.segments, recovered.damaged, recovered.shortened) == ((), (), ())
    assert [each.name for each in tmp_path.iterdir()] == ["manifest.json"]


def test_the_end_seals_what_there_is(tmp_path):
    segments = new_segments(tmp_path)
    commit(segments)
    segments.end()
    assert read_manifest(tmp_path).ended
    assert states(tmp_path) == [("segment-0001.duckdb", "sealed", 1)]


def test_what_was_acknowledged_is_counted_beside_the_live_file(tmp_path):
    segments = new_segments(tmp_path)
    commit(segments, traces(3))
    commit(segments, traces(2, first=8))
    counts = json.loads(acked_path(segments.live.path).read_bytes())
    assert counts == {"batches": 2, "spans": 5, "metric_points": 0}
    segments.end()
    assert not list(tmp_path.glob("*.acked"))


@pytest.mark.parametrize(
    ("rotation", "elapsed_s"),
    [(Rotation(items=3), 0), (Rotation(body_bytes=10), 0), (Rotation(age_s=60), 61)],
)
def test_a_segment_is_full_by_items_bytes_or_age(tmp_path, rotation, elapsed_s):
    now = [0]
    segments = new_segments(tmp_path, rotation, mono_ns=lambda: now[0])
    now[0] = elapsed_s * 10**9
    assert not segments.is_due, "an empty one never is"
    commit(segments, traces(3))
    assert segments.is_due
    segments.rotate().result()
    assert not segments.is_due
    segments.end()


def test_a_live_file_of_a_dead_collector_can_be_read_without_repair(tmp_path):
    segments = new_segments(tmp_path)
    commit(segments, traces(4))
    vanish(segments)
    before = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert query(segments.live.path, "select count(*) from spans") == [(4,)]
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == before


def test_problems_of_a_rotation_are_named():
    assert Rotation(items=0, age_s=-1).problems() == [
        "rotation items must be positive, not 0",
        "rotation age_s must be positive, not -1",
    ]


def test_the_next_file_is_made_while_the_live_one_fills(tmp_path):
    segments = new_segments(tmp_path)
    assert not (tmp_path / "segment-0002.duckdb").exists(), "not before there is anything"
    commit(segments)
    prepared = segments._next.result()
    assert prepared.path.name == "segment-0002.duckdb"
    assert states(tmp_path) == [("segment-0001.duckdb", "live", 0)], "nobody is told of it yet"
    segments.rotate().result()
    assert segments.live is prepared
    commit(segments)
    segments.end()
    assert sorted(path.name for path in tmp_path.glob("segment*")) == [
        "segment-0001.duckdb",
        "segment-0002.duckdb",
    ]


def test_a_file_that_could_not_be_prepared_is_made_when_it_is_needed(tmp_path, monkeypatch):
    segments = new_segments(tmp_path)
    make, calls = segments._maker.make, []

    def fails_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError("no space")
        return make(*arguments)

    monkeypatch.setattr(segments._maker, "make", fails_once)
    commit(segments)
    segments.rotate().result()
    assert [state for _, state, _ in states(tmp_path)] == ["sealed", "live"]
    assert len(calls) == 2
    segments.end()


def test_files_that_could_not_be_closed_stay_named_until_they_are(tmp_path, monkeypatch):
    segments = new_segments(tmp_path)

    def fails(_file):
        raise OSError("no space")

    with monkeypatch.context() as full:
        full.setattr(SegmentFile, "close", fails)
        for first in (1, 10):
            commit(segments, traces(2, first=first))
            assert segments.rotate().result() == []
        assert segments.rotate().result() == [], "and again, with nothing new"
        names = ["segment-0001.duckdb", "segment-0002.duckdb"]
        assert segments.unsealed == names
    commit(segments, traces(2, first=20))
    assert sorted(segments.rotate().result()) == [*names, "segment-0003.duckdb"]
    assert segments.unsealed == []
    segments.end()
    assert states(tmp_path) == [(name, "sealed", 2) for name in [*names, "segment-0003.duckdb"]]
