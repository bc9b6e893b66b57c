"""A collector that goes away in the middle of a run: nothing is lost and nothing comes twice."""

from __future__ import annotations

import resource
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from otel_voiceload.runner.collector import CollectorHandle
from otel_voiceload.store import spooled
from otel_voiceload.store.spooled import Frame, waiting
from otel_voiceload.telemetry.exporter import Totals
from tests.collector.processes import WAIT_S, Served
from tests.faults.rounds import IS_FULL
from tests.faults.small_disk import SmallDisk
from tests.faults.telling import RUN, SPANS_PER_CALL, Telling, expected, own_port, stored

SPANS_PER_S = 2000
CALLS_PER_S = SPANS_PER_S // SPANS_PER_CALL
OUTAGE_CALLS = 5 * CALLS_PER_S if IS_FULL else CALLS_PER_S
in_full = pytest.mark.skipif(not IS_FULL, reason="plays for seconds: make faults")
NOBODY = "http://127.0.0.1:9"  # discard: nobody listens


def kill(served: Served) -> None:
    """In the middle of things: not before it has taken something."""
    deadline_s = time.monotonic() + WAIT_S
    while "traces" not in served.control("GET", "/control/stats")["signals"]:
        assert time.monotonic() < deadline_s, "nothing was stored"
    assert served.process.poll() is None, "the collector must be running to be killed"
    served.process.send_signal(signal.SIGKILL)
    assert served.process.wait() == -signal.SIGKILL


def start(store: Path) -> Served:
    return Served(store, "--grpc", "127.0.0.1:0", "--http", f"127.0.0.1:{own_port()}")


def again(served: Served) -> Served:
    """The same recording at the same port, as a supervisor restarts it."""
    address = f"127.0.0.1:{urlsplit(served.http).port}"
    words = ("--grpc", "127.0.0.1:0", "--http", address, "--recording", served.folder.name)
    return Served(served.store, *words)


def assert_all_stored(store: Path, told: Telling, totals: Totals) -> None:
    """Every span once, and the ledger says so."""
    found = stored(store)
    assert found.notes == ()
    assert found.spans == expected(told.calls)
    assert found.doubles == 0
    assert totals == Totals(found.spans.total(), found.spans.total())
    assert not told.spool.exists(), "an empty spool stays behind"


def test_a_collector_that_is_killed_and_restarted_misses_nothing(tmp_path: Path) -> None:
    with start(tmp_path) as served, Telling(served.http, tmp_path) as told:
        told.wait_for(CALLS_PER_S // 2)
        kill(served)
        told.wait_for(OUTAGE_CALLS)
        told.wait_spooled()
        with again(served) as restarted:
            told.wait_for(CALLS_PER_S // 2)
            totals = told.end()
            assert restarted.stop()[0] == 0
    assert totals.away_s > 0
    assert_all_stored(tmp_path, told, totals)


@in_full
def test_a_collector_that_stays_away_gets_everything_when_the_next_one_starts(
    tmp_path: Path,
) -> None:
    with start(tmp_path) as served, Telling(served.http, tmp_path, flush_s=0.3) as told:
        told.wait_for(CALLS_PER_S // 4)
        kill(served)
        told.wait_for(CALLS_PER_S // 4)
        totals = told.end()
    assert totals.spooled > 0, "nothing was left"
    assert totals.unexplained == 0
    assert waiting(tmp_path, RUN).spans == totals.spooled
    with Served(tmp_path) as another:
        said = handle(another).deliver_leftovers(tmp_path, {})
        assert another.stop()[0] == 0
    assert said == [f"stored {totals.spooled} spans that run {RUN} had left in its spool"]
    found = stored(tmp_path)
    assert (found.spans, found.doubles) == (expected(told.calls), 0)
    assert not told.spool.exists()


def test_a_telemetry_process_that_is_killed_leaves_what_it_had_written(tmp_path: Path) -> None:
    with Telling(NOBODY, tmp_path) as told:
        told.wait_spooled(lambda: waiting(tmp_path, RUN).spans > 0)  # the first is written whole
        lane = told.spool / "store"
        assert spooled.lock(lane) is None, "another process may take it away"
        told.process.kill()
        told.process.join()
    assert spooled.segments(lane), "nothing was written"
    damaged = waiting(tmp_path, RUN).lost.get("spool_damaged", 0)
    if not damaged:  # the kill fell between two writes: now as it looks when it falls into one
        damaged = 20
        half = spooled.pack(Frame("traces", damaged, b"x" * 100))[:60]
        with spooled.segments(lane)[-1].open("ab") as file:
            file.write(half)
    whole = waiting(tmp_path, RUN)
    assert whole.spans > 0
    assert whole.lost == {"spool_damaged": damaged}
    with Served(tmp_path) as served:
        (said,) = handle(served).deliver_leftovers(tmp_path, {})
        assert served.stop()[0] == 0
    assert said.startswith(f"stored {whole.spans} spans")
    assert f"{damaged} spool_damaged" in said
    found = stored(tmp_path)
    assert (found.spans.total(), found.doubles) == (whole.spans, 0)
    assert waiting(tmp_path, RUN).lost == {"spool_damaged": damaged}


@in_full
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others need Linux")
def test_files_that_may_not_grow_are_bridged_in_memory(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with start(tmp_path) as served, Telling(served.http, tmp_path) as told:
        told.wait_for(CALLS_PER_S // 4)
        kill(served)
        assert told.process.pid is not None
        told.wait_spooled()
        limit = told.spooled_bytes() + 100_000
        resource.prlimit(told.process.pid, resource.RLIMIT_FSIZE, (limit, -1))
        told.wait_for(CALLS_PER_S)
        assert told.spooled_bytes() <= limit
        resource.prlimit(told.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        with again(served) as restarted:
            told.wait_for(CALLS_PER_S // 4)
            totals = told.end()
            assert restarted.stop()[0] == 0
    assert "can not spool" in capfd.readouterr().err
    assert_all_stored(tmp_path, told, totals)


@in_full
def test_a_disk_that_is_full_and_has_room_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        disk = SmallDisk(tmp_path / "disk", "4m")
    except OSError as error:
        pytest.skip(str(error))
    store = tmp_path / "store"
    with disk, start(store) as served, Telling(served.http, disk.path / "store") as told:
        told.wait_for(CALLS_PER_S // 4)
        kill(served)
        told.wait_for(CALLS_PER_S // 4)
        disk.fill()
        told.wait_for(CALLS_PER_S)
        disk.free()
        told.wait_for(CALLS_PER_S // 2)
        with again(served) as restarted:
            totals = told.end()
            assert restarted.stop()[0] == 0
        assert_all_stored(store, told, totals)
    said = capfd.readouterr().err
    assert "No space left" in said
    assert "spooling again" in said


@in_full
def test_on_a_disk_that_stays_full_the_loss_has_a_name_and_the_ledger_closes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    try:
        disk = SmallDisk(tmp_path / "disk", "2m")
    except OSError as error:
        pytest.skip(str(error))
    with disk, Telling(NOBODY, disk.path / "store", flush_s=0.3) as told:
        told.wait_for(CALLS_PER_S // 4)
        disk.fill()
        told.wait_for(CALLS_PER_S)
        totals = told.end()
    assert "No space left" in capfd.readouterr().err
    assert totals.lost["unacknowledged_at_end"] > 0
    assert totals.unexplained == 0
    assert totals.ended == expected(told.calls).total()


@in_full
def test_beyond_the_spools_cap_the_loss_has_a_name_and_the_ledger_closes(tmp_path: Path) -> None:
    with Telling(NOBODY, tmp_path, spool_bytes=2**20, flush_s=0.3, spans_per_s=8000) as told:
        told.wait_for(CALLS_PER_S * 4)
        totals = told.end()
    assert totals.lost["spool_full"] > 0
    assert totals.spooled > 0
    assert totals.unexplained == 0
    assert totals.spool_peak_bytes <= 2**20


def handle(served: Served) -> CollectorHandle:
    return CollectorHandle(served.http, "", None, None, served.store)
