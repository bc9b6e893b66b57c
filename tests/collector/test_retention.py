import json
import shutil

import pytest

from ovl_collector.locks import RecordingLock
from ovl_collector.manifest import SegmentEntry, read_manifest
from ovl_collector.retention import Keep, Retention, Sealed, marked_runs, removable
from ovl_collector.rollup import SegmentRuns

from .requests import T0, traces
from .stores import new_segments, query
from .test_rollup import foreign, run_span, turns
from .test_segments import commit

NONE = frozenset()


def segment(number, first, last, *, runs=(), began=(), ended=(), rolled=False, over=False):
    entry = SegmentEntry(
        f"s{number}", number, "sealed", first_unix_ns=first, last_unix_ns=last, rolled_up=rolled
    )
    return Sealed(
        None, entry, SegmentRuns(frozenset(runs), frozenset(began), frozenset(ended)), over
    )


def numbers(segments, marked=NONE, now=1000, size=2, **keep):
    found = removable(segments, frozenset(marked), now, Keep(**(keep or {"max_bytes": 1})), size)
    return [each.entry.number for each in found]


RUN = {"runs": ["r"]}


def test_the_oldest_go_first_and_rolled_up_ones_last():
    segments = [segment(1, 1, 2, rolled=True), segment(3, 5, 6), segment(2, 3, 4)]
    assert numbers(segments) == [2, 3, 1]
    assert numbers(segments, size=1) == [], "small enough"


def test_nothing_that_was_received_while_a_run_goes_on_is_removed():
    running = [segment(1, 1, 2), segment(2, 3, 4, began=["r"], **RUN), segment(3, 5, 6)]
    assert numbers(running) == [1]
    ended = [*running, segment(4, 7, 8, ended=["r"], **RUN)]
    assert numbers(ended) == [1, 2, 3, 4]


def test_a_run_whose_collector_died_does_not_run_on():
    assert numbers([segment(1, 1, 2, began=["r"], over=True, **RUN)]) == [1]


def test_a_run_goes_on_in_the_recording_that_followed_a_dead_one():
    begun = segment(1, 1, 2, began=["r"], over=True, **RUN)
    assert numbers([begun, segment(2, 3, 4, **RUN)]) == []
    assert numbers([begun, segment(2, 3, 4, ended=["r"], **RUN)]) == [1, 2]


def test_a_marked_run_stays_with_all_that_came_meanwhile():
    segments = [
        segment(1, 1, 2, began=["r"], **RUN),
        segment(2, 3, 4),
        segment(3, 5, 6, ended=["r"], **RUN),
        segment(4, 7, 8),
    ]
    assert numbers(segments, marked=["r"]) == [4]


def test_age_is_that_of_the_newest_batch():
    segments = [segment(1, 1, 10**9), segment(2, 1, 3 * 10**9), segment(3, 1, 1, rolled=True)]
    assert numbers(segments, now=4 * 10**9, max_age_s=2.0) == [1]


def test_problems_are_named():
    assert Keep(max_bytes=0).problems() == ["retention max_bytes must be positive, not 0"]
    assert not Keep().is_bounded


def store_of(tmp_path, *groups):
    """A living recording with one sealed segment for each group of requests."""
    folder = tmp_path / "recordings" / "a"
    folder.mkdir(parents=True)
    segments = new_segments(folder)
    for index, requests in enumerate(groups):
        for request in requests:
            commit(segments, request, at=T0 + index * 10**9)
        segments.rotate().result()
    return segments


def sweep(tmp_path, segments, **keep):
    return Retention(tmp_path, segments, Keep(**keep), unix_ns=lambda: T0 + 10**12).sweep()


def test_foreign_spans_are_removed_and_runs_are_rolled_up(tmp_path):
    segments = store_of(
        tmp_path,
        [foreign(5)],
        [run_span(), turns([0.5] * 300), run_span("run")],
        [run_span(run="tagged", tag="keep"), run_span("run", run="tagged")],
    )
    assert sweep(tmp_path, segments, max_age_s=60.0) == [
        "a/segment-0001.duckdb",
        "a/segment-0002.duckdb",
    ]
    entries = read_manifest(segments.folder).segments
    assert [(entry.number, entry.rolled_up) for entry in entries] == [
        (2, True),
        (3, False),
        (4, False),
    ]
    assert not (segments.folder / "segment-0001.duckdb").exists()
    path = segments.folder / "segment-0002.duckdb"
    assert query(path, "select sum(turns) from rollup_cells") == [(300,)]
    assert sweep(tmp_path, segments, max_age_s=60.0) == [], "once is enough"
    segments.end()


def test_a_run_that_goes_on_keeps_its_files_however_old_and_large_they_are(tmp_path, capsys):
    segments = store_of(tmp_path, [foreign(5)], [run_span()], [turns([0.5] * 300)])
    limits = {"max_bytes": 1, "max_age_s": 1.0}
    assert sweep(tmp_path, segments, **limits) == ["a/segment-0001.duckdb"]
    assert "belongs to running or tagged runs" in capsys.readouterr().err
    assert [entry.rolled_up for entry in read_manifest(segments.folder).segments] == [False] * 3
    path = segments.folder / "segment-0003.duckdb"
    assert query(path, "select count(*) > 0 from spans") == [(True,)]
    commit(segments, run_span("run"), at=T0 + 5 * 10**9)
    segments.rotate().result()
    assert "a/segment-0003.duckdb" in sweep(tmp_path, segments, **limits), "its end lets it go"
    segments.end()


def test_a_baseline_named_later_is_kept_and_unreadable_marks_keep_everything(tmp_path, capsys):
    segments = store_of(tmp_path, [run_span(), run_span("run")])
    marks = tmp_path / "marks.json"
    marks.write_text("{")
    assert sweep(tmp_path, segments, max_bytes=1) == []
    assert "nothing is removed" in capsys.readouterr().err
    marks.write_text(json.dumps({"format": 1, "tags": {}, "baselines": ["run-1"]}))
    assert marked_runs(tmp_path) == {"run-1"}
    assert sweep(tmp_path, segments, max_bytes=1) == []
    assert "over --max-size" in capsys.readouterr().err
    marks.unlink()
    assert sweep(tmp_path, segments, max_bytes=1) == ["a/segment-0001.duckdb"]
    segments.end()


@pytest.mark.parametrize("held", [True, False])
def test_other_recordings_are_swept_unless_somebody_holds_them(tmp_path, held):
    other = tmp_path / "recordings" / "0-old"
    other.mkdir(parents=True)
    old = new_segments(other)
    commit(old, traces(3))
    old.end()
    own = store_of(tmp_path)
    lock = RecordingLock.acquire(other) if held else None
    done = sweep(tmp_path, own, max_bytes=1)
    assert done == ([] if held else ["0-old/segment-0001.duckdb"])
    assert (other / "segment-0001.duckdb").exists() is held
    if lock is not None:
        lock.release()
    own.end()


def test_a_file_that_can_not_be_read_or_is_another_one_is_kept_and_the_others_go(tmp_path, capsys):
    segments = store_of(tmp_path, [traces(3)], [traces(3, first=9)], [traces(3, first=19)])
    (segments.folder / "segment-0001.duckdb").write_bytes(b"damaged" * 999)
    shutil.copy(segments.folder / "segment-0003.duckdb", segments.folder / "segment-0002.duckdb")
    assert sweep(tmp_path, segments, max_bytes=1) == ["a/segment-0003.duckdb"]
    said = capsys.readouterr().err
    assert "segment-0001.duckdb can not be read and is kept" in said
    assert "segment-0002.duckdb is not the file that its manifest lists" in said
    segments.end()


def test_size_decides_how_many_go(tmp_path):
    segments = store_of(tmp_path, [traces(3)], [traces(3, first=9)], [traces(3, first=19)])
    files = sorted((tmp_path / "recordings" / "a").glob("segment-*.duckdb*"))
    total = sum(path.stat().st_size for path in files)
    assert sweep(tmp_path, segments, max_bytes=total) == []
    assert sweep(tmp_path, segments, max_bytes=total - 1) == ["a/segment-0001.duckdb"]
    segments.end()
