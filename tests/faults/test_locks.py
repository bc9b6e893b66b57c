"""Two collectors: on one recording the second is refused, on one store both work."""

from __future__ import annotations

import time
from pathlib import Path

from tests.collector.processes import FREE, WAIT_S, Served, start
from tests.faults.findings import assert_in_order, assert_kept
from tests.faults.load import SIZE, Load
from tests.faults.rounds import IS_FULL

REFUSED_WITHIN_S = 1.0  # from its start, Python's own included; told by the clock in full rounds


def test_a_second_collector_on_the_same_recording_is_refused_and_told_who_holds_it(
    tmp_path: Path,
) -> None:
    with Served(tmp_path, *FREE) as served:
        load = Load(served)
        load.wait_for(5)
        begun = time.monotonic()
        second = start(tmp_path, *FREE, "--recording", served.folder.name)
        said, errors = second.communicate(timeout=WAIT_S)
        took_s = time.monotonic() - begun
        assert (second.returncode, said) == (2, "")
        assert f"in use by pid {served.process.pid} on " in errors
        assert not IS_FULL or took_s < REFUSED_WITHIN_S
        load.wait_for(5)  # the first one did not notice
        acked = load.stop()
        assert served.stop() == (0, "")
    assert_kept(tmp_path, acked, load.sent)


def test_two_collectors_write_one_store_at_the_same_time(tmp_path: Path) -> None:
    rotating = (*FREE, "--segment-items", str(10 * SIZE))
    with Served(tmp_path, *rotating) as one, Served(tmp_path, *rotating) as other:
        assert one.folder != other.folder
        loads = [Load(one, clients=2), Load(other, clients=2, origin=10)]
        for load in loads:
            load.wait_for(25)
        acked = {first for load in loads for first in load.stop()}
        assert [served.stop() for served in (one, other)] == [(0, ""), (0, "")]
    assert_kept(tmp_path, acked, acked)
    for served in (one, other):
        assert_in_order(served.folder)
