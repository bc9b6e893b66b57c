"""Two collectors: on one recording the second is refused, on one store both work."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ovl_collector.serve import main
from tests.collector.processes import FREE, Served
from tests.faults.findings import assert_in_order, assert_kept
from tests.faults.load import SIZE, Load

REFUSED_WITHIN_S = 1.0


def test_a_second_collector_on_the_same_recording_is_refused_within_a_second(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Served(tmp_path, *FREE) as served:
        load = Load(served)
        load.wait_for(5)
        begun = time.monotonic()
        code = main(["--store", str(tmp_path), *FREE, "--recording", served.folder.name])
        took_s = time.monotonic() - begun
        assert code == 2
        assert f"in use by pid {served.process.pid} on " in capfd.readouterr().err
        assert took_s < REFUSED_WITHIN_S
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
