from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from otel_voiceload.errors import StoreError
from otel_voiceload.store import open as opening
from otel_voiceload.store.locate import Control
from otel_voiceload.store.open import open_run, open_store
from tests.store import records
from tests.store.builder import batches_of, write_run, write_store

RUN_RECORDS = records.small_run()


def test_an_empty_store_has_every_view_and_no_row(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    with open_store(tmp_path) as reading:
        for view in ("runs", "calls", "turns", "component_spans", "levels", "curve", "otel_spans"):
            assert reading.sql(f"select * from {view}").rows == ()


def test_a_run_over_two_segments_is_read_as_one(tmp_path: Path) -> None:
    first = batches_of(RUN_RECORDS[:4], records.RUN)
    second = batches_of(RUN_RECORDS[4:], records.RUN)
    store = write_store(tmp_path, [(first, True), (second, True)])
    with open_store(store) as reading:
        assert reading.notes == ()
        assert reading.sql("select count(*) from turns").rows == ((2,),)


def test_few_spans_are_read_by_one_thread_and_many_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = write_store(tmp_path, [(batches_of(RUN_RECORDS, records.RUN), True)])
    threads = "select current_setting('threads')"
    with open_store(store) as reading:
        assert reading.sql(threads).rows == ((1,),)
    monkeypatch.setattr(opening, "FEW_SPANS", 1)
    with open_store(store) as reading, duckdb.connect() as plain:
        assert reading.sql(threads).rows == tuple(plain.execute(threads).fetchall())


def test_what_a_killed_collector_left_is_read_from_its_write_ahead_log(tmp_path: Path) -> None:
    batches = batches_of(RUN_RECORDS, records.RUN)
    store = write_store(tmp_path, [(batches, False)], ended=False)
    (wal,) = store.glob("recordings/*/*.wal")
    before = wal.stat().st_size
    with open_store(store) as reading:
        assert "ended without a shutdown" in reading.notes[0]
        assert reading.sql("select count(*) from turns").rows == ((2,),)
    assert wal.stat().st_size == before


def test_rows_that_a_cut_log_lost_are_noticed_by_the_counts(tmp_path: Path) -> None:
    store = write_store(tmp_path, [(batches_of(RUN_RECORDS, records.RUN), False)], ended=False)
    (segment,) = store.glob("recordings/*/segment-0001.duckdb")
    segment.with_suffix(".acked").write_text('{"batches":9,"spans":99,"metric_points":0}')
    with open_store(store) as reading:
        assert any("that were acknowledged are missing" in note for note in reading.notes)


def test_a_living_collector_is_asked_for_a_seal_and_its_live_file_left_alone(
    tmp_path: Path,
) -> None:
    store = write_store(tmp_path, [(batches_of(RUN_RECORDS, records.RUN), True), ([], False)])
    (folder,) = (store / "recordings").iterdir()
    (folder / "lock").touch()
    (folder / "control.json").write_text('{"pid":7,"http":"http://127.0.0.1:1","token":"t"}')
    (folder / "segment-0002.duckdb").write_text("DuckDB would refuse this to other processes")
    asked: list[Control] = []

    def ask(control: Control) -> str | None:
        asked.append(control)
        return None

    holder = os.open(folder / "lock", os.O_RDWR)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with open_store(store, ask=ask) as reading:
            assert reading.run_id("latest") == records.RUN
            assert reading.notes == ()
    finally:
        os.close(holder)
    assert [control.token for control in asked] == ["t"]


def test_one_damaged_file_among_others_is_a_note(tmp_path: Path) -> None:
    store = write_store(tmp_path, [(batches_of(RUN_RECORDS, records.RUN), True), ([], True)])
    (damaged,) = store.glob("recordings/*/segment-0002.duckdb")
    damaged.write_bytes(b"x" * 5000)
    with open_store(store) as reading:
        assert "segment-0002.duckdb can not be opened" in reading.notes[0]
        assert reading.run_id("latest") == records.RUN


def test_a_segment_in_the_place_of_another_is_not_read_and_is_a_loss(tmp_path: Path) -> None:
    first, second = (
        batches_of(RUN_RECORDS[:4], records.RUN),
        batches_of(RUN_RECORDS[4:], records.RUN),
    )
    store = write_store(tmp_path, [(first, True), (second, True)])
    (folder,) = (store / "recordings").iterdir()
    shutil.copy(folder / "segment-0001.duckdb", folder / "segment-0002.duckdb")
    with open_store(store) as reading:
        (loss,) = reading.losses
        assert loss.sentence in reading.notes
        assert "segment-0002.duckdb" in loss.sentence
        assert "it is segment 1" in loss.sentence
        assert reading.sql("select count(*) from turns").rows == ((1,),)


def test_a_segment_that_is_gone_is_a_note(tmp_path: Path) -> None:
    store = write_store(tmp_path, [(batches_of(RUN_RECORDS, records.RUN), True), ([], True)])
    (gone,) = store.glob("recordings/*/segment-0002.duckdb")
    gone.unlink()
    with open_store(store) as reading:
        assert "segment-0002.duckdb" in reading.notes[0]


def test_a_run_may_be_a_single_file(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.duckdb", RUN_RECORDS, records.RUN)
    reading, run_id = open_run(str(path))
    reading.close()
    assert run_id == records.RUN


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no file"):
        open_run(str(tmp_path / "gone.duckdb"))
