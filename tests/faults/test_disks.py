"""A disk without room: refused as retryable, nothing lost or doubled, back soon after there is."""

from __future__ import annotations

import resource
import shutil
import time
from pathlib import Path

import pytest

from tests.collector import processes
from tests.collector.processes import FREE, Served
from tests.faults.findings import assert_in_order, assert_kept
from tests.faults.load import SIZE, Load
from tests.faults.rounds import IS_FULL
from tests.faults.small_disk import SmallDisk

BACK_WITHIN_S = 10.0  # told by the clock in full rounds
ROTATING = (*FREE, "--segment-items", str(50 * SIZE))


def outlast(load: Load, served: Served) -> None:
    """After room has returned: every client gets its answer soon, and the collector is well."""
    returned = time.monotonic()
    waiting = load.outstanding
    load.wait_for(len(waiting) + 20)
    took_s = time.monotonic() - returned
    assert not IS_FULL or took_s < BACK_WITHIN_S, "it did not recover in time"
    acked = load.stop()
    assert waiting <= acked
    assert served.control("GET", "/control/stats")["problem"] is None


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others need Linux")
def test_files_that_may_not_grow(tmp_path: Path) -> None:
    with Served(tmp_path, *ROTATING) as served:

        def limit(size: int) -> None:
            resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, -1))

        load = Load(served, patient=True)
        load.wait_for(10)
        limit(1000)
        load.wait_for_status(503)
        limit(-1)
        outlast(load, served)
        code, errors = served.stop()
    assert code == 0
    assert "can not store" in errors
    assert "storing again" in errors
    assert_kept(tmp_path, load.acked, load.sent)
    assert_in_order(served.folder)


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a failed commit may be durable all the same, and the database must be opened again.

    From its start to its end the collector needs no other place to write on than its store.
    """
    try:
        disk = SmallDisk(tmp_path / "disk", "24m")
    except OSError as error:
        pytest.skip(str(error))
    with disk:
        monkeypatch.setattr(processes, "start", disk.start)
        with Served(disk.inside / "store", *ROTATING) as served:
            if disk.root_is_read_only:  # as in a container started with --read-only
                for place in (processes.ROOT, Path.home(), tmp_path):
                    with pytest.raises(OSError, match="Read-only file system"):
                        Path(f"/proc/{served.process.pid}/root{place}/written").touch()
            load = Load(served, patient=True)
            load.wait_for(10)
            disk.fill()
            load.wait_for_status(503)
            disk.free()
            outlast(load, served)
            code, errors = served.stop()
        assert code == 0
        assert "No space left" in errors
        # DuckDB follows the link in /proc to a path that is another one out here.
        kept = shutil.copytree(disk.path / "store", tmp_path / "kept")
    assert_kept(kept, load.acked, load.sent)
    assert_in_order(kept / "recordings" / served.folder.name)
