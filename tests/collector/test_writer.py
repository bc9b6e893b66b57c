import duckdb
import pytest

from ovl_collector.duplicates import SeenRequests
from ovl_collector.errors import Unavailable, Undecodable
from ovl_collector.ledger import Ledger
from ovl_collector.manifest import read_manifest
from ovl_collector.segments import Rotation, Segments
from ovl_collector.writer import Writer

from .requests import T0, traces
from .stores import new_segments, pending, query

WAIT_S = 20


class FailingSegments(Segments):
    """Commits fail as told: ``before`` anything was written, or ``after`` it became durable."""

    failures: list[str]
    error: Exception = duckdb.IOException("No space left on device")

    def commit(self, tables, body_bytes):
        failure = self.failures.pop(0) if self.failures else None
        if failure == "before":
            raise self.error
        super().commit(tables, body_bytes)
        if failure == "after":
            raise self.error


class Setup:
    def __init__(self, folder, kind=Segments, rotation=None, **options):
        self.folder = folder
        self.segments = new_segments(folder, rotation, kind=kind)
        self.ledger = Ledger(lambda: T0)
        self.writer = Writer(self.segments, self.ledger, **options)

    def finish(self):
        """Ends the writer; every row of a query over all segments."""
        self.writer.close()
        self.segments.end()

    def rows(self, sql):
        files = [entry.file for entry in read_manifest(self.folder).segments]
        return [row for file in files for row in query(self.folder / file, sql)]

    @property
    def counts(self):
        return self.ledger.as_dict()["signals"]["traces"]


def test_a_request_is_acknowledged_after_its_commit(tmp_path):
    setup = Setup(tmp_path)
    setup.writer.start()
    setup.writer.submit(pending(traces(3))).result(WAIT_S)
    setup.segments.live.abandon()  # as a kill would, right after the answer
    assert query(setup.segments.live.path, "select count(*) from spans") == [(3,)]
    setup.writer.close()


def test_what_waits_is_committed_as_one_group(tmp_path):
    setup = Setup(tmp_path)
    futures = [setup.writer.submit(pending(traces(2, first=2 * n + 1))) for n in range(50)]
    setup.writer.start()
    for future in futures:
        future.result(WAIT_S)
    assert setup.ledger.as_dict()["commits"] == 1
    setup.finish()
    assert setup.rows("select count(*), count(distinct batch_id) from spans") == [(100, 50)]


def test_a_group_has_a_size(tmp_path):
    setup = Setup(tmp_path, group_items=10)
    futures = [setup.writer.submit(pending(traces(4, first=4 * n + 1))) for n in range(5)]
    futures.append(setup.writer.submit(pending(traces(30, first=100))))
    setup.writer.start()
    for future in futures:
        future.result(WAIT_S)
    assert setup.ledger.as_dict()["commits"] == 4
    setup.finish()


def test_a_byte_identical_resend_is_acknowledged_and_stored_once(tmp_path):
    setup = Setup(tmp_path)
    setup.writer.start()
    for _ in range(3):
        setup.writer.submit(pending(traces(2), request_hash=5)).result(WAIT_S)
    setup.finish()
    assert setup.rows("select count(*) from spans") == [(2,)]
    assert setup.rows("select items_received, items_stored, is_resend from batches") == [
        (2, 2, False),
        (2, 0, True),
        (2, 0, True),
    ]
    assert (setup.counts["stored"], setup.counts["resent"]) == (2, 4)


def test_what_an_earlier_process_stored_is_known(tmp_path):
    seen = SeenRequests()
    seen.add(5, 1)
    setup = Setup(tmp_path, seen=seen, suspect_until_unix_ns=T0 + 1)
    setup.writer.start()
    setup.writer.submit(pending(request_hash=5)).result(WAIT_S)
    setup.writer.submit(pending(traces(first=9), request_hash=6)).result(WAIT_S)
    setup.finish()
    assert setup.rows("select is_resend, may_hold_duplicates from batches") == [
        (True, False),
        (False, True),
    ]
    assert read_manifest(tmp_path).segments[0].may_hold_duplicates


def test_a_seal_comes_after_everything_submitted_before_it(tmp_path):
    setup = Setup(tmp_path)
    setup.writer.submit(pending(traces(3)))
    sealing = setup.writer.seal()
    setup.writer.submit(pending(traces(1, first=9)))
    again = setup.writer.seal()
    empty = setup.writer.seal()
    setup.writer.start()
    assert sealing.result(WAIT_S) == ["segment-0001.duckdb"]
    assert again.result(WAIT_S) == ["segment-0002.duckdb"]
    assert empty.result(WAIT_S) == []
    assert query(tmp_path / "segment-0001.duckdb", "select count(*) from spans") == [(3,)]
    setup.finish()


def test_full_segments_are_rotated_away(tmp_path):
    setup = Setup(tmp_path, rotation=Rotation(items=5))
    setup.writer.start()
    for number in range(6):
        setup.writer.submit(pending(traces(3, first=10 * number + 1))).result(WAIT_S)
    setup.finish()
    assert [entry.spans for entry in read_manifest(tmp_path).segments] == [6, 6, 6]


def test_closing_commits_what_is_queued_and_takes_nothing_more(tmp_path):
    setup = Setup(tmp_path)
    futures = [setup.writer.submit(pending(traces(1, first=n))) for n in range(1, 6)]
    setup.writer.start()
    setup.finish()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(Unavailable, match="shutting down"):
        setup.writer.submit(pending())


def failing(tmp_path, *failures, error=None):
    setup = Setup(tmp_path, FailingSegments)
    setup.segments.failures = list(failures)
    if error is not None:
        setup.segments.error = error
    return setup


def test_a_commit_that_fails_is_refused_as_retryable_and_the_retry_is_stored_once(tmp_path, capsys):
    setup = failing(tmp_path, "before")
    setup.writer.start()
    with pytest.raises(Unavailable, match="try again"):
        setup.writer.submit(pending(traces(4), request_hash=5)).result(WAIT_S)
    assert setup.writer.problem == "No space left on device"
    setup.writer.submit(pending(traces(4), request_hash=5)).result(WAIT_S)
    assert setup.writer.problem is None
    setup.finish()
    assert setup.rows("select count(*) from spans") == [(4,)]
    assert setup.rows("select reason, requests, items from losses") == [("disk", 1, 4)]
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "ovl-collector: can not store, refusing: No space left on device",
        "ovl-collector: storing again",
    ]


def test_a_commit_that_raised_and_became_durable_is_acknowledged(tmp_path):
    """A full disk does that: refusing it would make the client's retry a duplicate."""
    setup = failing(tmp_path, "after")
    setup.writer.start()
    setup.writer.submit(pending(traces(4), request_hash=5)).result(WAIT_S)
    setup.writer.submit(pending(traces(4), request_hash=5)).result(WAIT_S)
    setup.finish()
    assert setup.rows("select count(*) from spans") == [(4,)]
    assert setup.rows("select is_resend from batches order by batch_id") == [(False,), (True,)]


def test_one_request_that_can_not_be_stored_does_not_take_the_others_with_it(tmp_path):
    class Picky(Segments):
        def commit(self, tables, body_bytes):
            if "spans" in tables and "poison" in tables["spans"].column("name").to_pylist():
                raise duckdb.ConversionException("poison")
            super().commit(tables, body_bytes)

    setup = Setup(tmp_path, Picky)
    poison = traces(1, first=50)
    poison.resource_spans[0].scope_spans[0].spans[0].name = "poison"
    good = [setup.writer.submit(pending(traces(1, first=n))) for n in (1, 2)]
    bad = setup.writer.submit(pending(poison))
    good.append(setup.writer.submit(pending(traces(1, first=3))))
    setup.writer.start()
    for future in good:
        future.result(WAIT_S)
    with pytest.raises(Undecodable, match="can not store"):
        bad.result(WAIT_S)
    setup.finish()
    assert setup.rows("select count(*) from spans") == [(3,)]


def test_refusals_at_the_door_reach_the_store(tmp_path):
    setup = Setup(tmp_path)
    setup.ledger.refused("traces", "queue_full")
    setup.writer.start()
    setup.finish()
    assert setup.rows("select signal, reason, requests from losses") == [
        ("traces", "queue_full", 1)
    ]


def test_a_commit_that_takes_long_counts_as_stalled(tmp_path):
    now = [0]
    seen = []

    class Slow(Segments):
        def commit(self, tables, body_bytes):
            seen.append(writer.is_stalled)
            now[0] += 3 * 10**9
            seen.append(writer.is_stalled)
            super().commit(tables, body_bytes)

    segments = new_segments(tmp_path, kind=Slow)
    writer = Writer(segments, Ledger(lambda: T0), mono_ns=lambda: now[0])
    writer.start()
    writer.submit(pending()).result(WAIT_S)
    writer.close()
    assert seen == [False, True]
    assert not writer.is_stalled
    segments.end()
